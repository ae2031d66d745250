// SPDX-License-Identifier: GPL-2.0-or-later
/* Sends frames as they are, by a packet socket. */
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clusterctl.h"

/*
 * Sends with no more than the first `linear` bytes in the linear part of the kernel's buffer; 0: as
 * the kernel likes. It obeys from 4096 bytes on.
 */
static ssize_t send_frame(int fd, const struct sockaddr_ll *to, const struct frame *f, u16 linear)
{
	struct virtio_net_hdr header = { .hdr_len = linear };
	struct iovec parts[2] = { { &header, sizeof(header) }, { (void *)f->bytes, f->length } };
	struct msghdr message = {
		.msg_name = (void *)to, .msg_namelen = sizeof(*to),
		.msg_iov = linear ? parts : parts + 1, .msg_iovlen = linear ? 2 : 1,
	};
	int yes = 1;

	if (linear && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &yes, sizeof(yes)))
		fail("PACKET_VNET_HDR");
	return sendmsg(fd, &message, 0);
}

static int open_device(const char *name, struct sockaddr_ll *to, u8 mac[6])
{
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct ifreq request = {};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
		fail(name);
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	*to = (struct sockaddr_ll){
		.sll_family = AF_PACKET, .sll_halen = 6, .sll_ifindex = (int)if_nametoindex(name),
	};
	return fd;
}

int frame_send(int count, char **words)
{
	struct sockaddr_ll to;
	u64 copies = 1, linear = 0;
	int fd, at = 1, end;
	struct frame f;
	u8 mac[6];

	if (count < 2)
		usage("send IF [count=N] [linear=BYTES] FRAME... [+ FRAME...]...");
	fd = open_device(words[0], &to, mac);
	if (value_of(words[at], "count"))
		copies = parse_number(value_of(words[at++], "count"));
	if (at < count && value_of(words[at], "linear"))
		linear = parse_number(value_of(words[at++], "linear"));
	for (; at < count; at = end + 1) {
		for (end = at; end < count && strcmp(words[end], "+"); end++)
			;
		frame_build(&f, mac, end - at, words + at);
		/* Where the kernel looks for headers goes by the protocol. */
		memcpy(&to.sll_protocol, f.bytes + 12, 2);
		for (u64 i = 0; i < copies; i++)
			if (send_frame(fd, &to, &f, (u16)linear) < 0)
				fail(words[0]);
	}
	close(fd);
	return 0;
}
