// SPDX-License-Identifier: GPL-2.0-or-later
/* One request over rtnetlink and its answer, with the kernel's explanation of a refusal. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clusterctl.h"

void request_start(struct request *r, int type, int flags, int ifindex)
{
	struct ifinfomsg *link;

	memset(r, 0, sizeof(*r));
	r->message = (struct nlmsghdr *)r->bytes;
	r->message->nlmsg_len = NLMSG_LENGTH(sizeof(*link));
	r->message->nlmsg_type = (u16)type;
	r->message->nlmsg_flags = (u16)(NLM_F_REQUEST | flags);
	link = NLMSG_DATA(r->message);
	link->ifi_index = ifindex;
}

void *request_put(struct request *r, int type, const void *data, size_t bytes)
{
	size_t at = NLMSG_ALIGN(r->message->nlmsg_len);
	struct rtattr *attribute = (struct rtattr *)(r->bytes + at);

	if (at + RTA_SPACE(bytes) > sizeof(r->bytes))
		usage("too much for one request");
	attribute->rta_type = (u16)type;
	attribute->rta_len = (u16)RTA_LENGTH(bytes);
	if (bytes)
		memcpy(RTA_DATA(attribute), data, bytes);
	r->message->nlmsg_len = (u32)(at + RTA_SPACE(bytes));
	return attribute;
}

void request_end(struct request *r, void *nested)
{
	struct rtattr *attribute = nested;

	attribute->rta_len = (u16)(r->bytes + r->message->nlmsg_len - (u8 *)nested);
}

static const char *explanation(struct nlmsghdr *message)
{
	struct rtattr *attribute;
	int length;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return "";
	/* NETLINK_CAP_ACK: of the request only the header comes back */
	attribute = (void *)((u8 *)NLMSG_DATA(message) + sizeof(struct nlmsgerr));
	length = (int)message->nlmsg_len - (int)((u8 *)attribute - (u8 *)message);
	for (; RTA_OK(attribute, length); attribute = RTA_NEXT(attribute, length))
		if ((attribute->rta_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
			return RTA_DATA(attribute);
	return "";
}

int request_run(struct request *r, const char **why)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), yes = 1;
	ssize_t bytes;

	*why = "";
	if (fd < 0)
		fail("netlink");
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &yes, sizeof(yes));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof(yes));
	if (send(fd, r->bytes, r->message->nlmsg_len, 0) < 0)
		fail("netlink send");
	bytes = recv(fd, r->bytes, sizeof(r->bytes) - 1, 0);
	if (bytes < (ssize_t)sizeof(*r->message))
		fail("netlink receive");
	close(fd);
	r->bytes[bytes] = 0;
	if (r->message->nlmsg_type != NLMSG_ERROR)
		return 0;
	*why = explanation(r->message);
	return -((struct nlmsgerr *)NLMSG_DATA(r->message))->error;
}
