// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs a command and prints each frame that a device saw meanwhile, one line of name=value fields:
 *
 *   dir=in src=02:…:01 dst=03:…:64 vlan=10 type=arp op=reply spa=10.0.0.100 sha=03:…:64 tpa=10.0.0.7
 *   dir=out src=… dst=… type=ip4 ip=10.0.0.7>10.0.0.100 proto=17 ports=4000>80 bytes=60
 *   dir=in src=… dst=… type=ip6 ip=…>… proto=58 icmp=136 target=… lladdr=03:…:64 bytes=86
 *
 * What the command prints goes to the standard error output.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clusterctl.h"

struct seen {
	u8 bytes[2048];
	size_t captured, length;
	int vlan;		/* -1: none */
	u8 direction;
};

static void print_mac(const char *name, const u8 *mac)
{
	printf(" %s=%02x:%02x:%02x:%02x:%02x:%02x", name, mac[0], mac[1], mac[2], mac[3], mac[4],
	       mac[5]);
}

static void print_address(const char *name, int family, const void *address)
{
	char text[INET6_ADDRSTRLEN];

	printf(" %s=%s", name, inet_ntop(family, address, text, sizeof(text)));
}

static void print_arp(const u8 *arp)
{
	printf(" type=arp op=%s", arp[7] == 2 ? "reply" : "request");
	print_address("spa", AF_INET, arp + 14);
	print_mac("sha", arp + 8);
	print_address("tpa", AF_INET, arp + 24);
	print_mac("tha", arp + 18);
}

static void print_neighbour(const u8 *message, const u8 *end)
{
	if (end - message >= 24)
		print_address("target", AF_INET6, message + 8);
	if (end - message >= 32 && message[25] == 1)
		print_mac("lladdr", message + 26);
}

static void print_ip(const struct seen *s, const u8 *ip, const u8 *end, u16 ethertype)
{
	int four = ethertype == AVAIL_ETHERTYPE_IP4, family = four ? AF_INET : AF_INET6;
	const u8 *from = ip + (four ? 12 : 8), *to = ip + (four ? 16 : 24);
	const u8 *body = ip + (four ? (ip[0] & 15) * 4 : 40);
	u8 protocol = four ? ip[9] : ip[6];
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];

	printf(" type=%s ip=%s>%s proto=%d", four ? "ip4" : "ip6",
	       inet_ntop(family, from, a, sizeof(a)), inet_ntop(family, to, b, sizeof(b)), protocol);
	if ((protocol == 6 || protocol == 17) && end - body >= 4)
		printf(" ports=%d>%d", body[0] << 8 | body[1], body[2] << 8 | body[3]);
	if ((protocol == 1 || protocol == 58) && end > body)
		printf(" icmp=%d", body[0]);
	if (!four && protocol == 58 && end > body && (body[0] == 135 || body[0] == 136))
		print_neighbour(body, end);
	printf(" bytes=%zu", s->length);
}

static void print_seen(const struct seen *s)
{
	const u8 *end = s->bytes + s->captured, *l3;
	u16 ethertype = 0;

	printf("dir=%s", s->direction == PACKET_OUTGOING ? "out" : "in");
	print_mac("src", s->bytes + 6);
	print_mac("dst", s->bytes);
	if (s->vlan >= 0)
		printf(" vlan=%d", s->vlan);
	l3 = avail_skip_ethernet(s->bytes, end, &ethertype);
	if (l3 && ethertype == AVAIL_ETHERTYPE_ARP && end - l3 >= 28)
		print_arp(l3);
	else if (l3 && ((ethertype == AVAIL_ETHERTYPE_IP4 && end - l3 >= 20) ||
			(ethertype == AVAIL_ETHERTYPE_IP6 && end - l3 >= 40)))
		print_ip(s, l3, end, ethertype);
	else
		printf(" type=%04x", ethertype);
	putchar('\n');
}

static int open_device(const char *name)
{
	struct sockaddr_ll here = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)), yes = 1;
	int room = 4 << 20;

	here.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || !here.sll_ifindex || bind(fd, (void *)&here, sizeof(here)))
		fail(name);
	setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return fd;
}

static void take(int fd)
{
	union {
		struct cmsghdr align;
		u8 bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct sockaddr_ll from;
	struct seen s = { .vlan = -1 };
	struct iovec io = { s.bytes, sizeof(s.bytes) };
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &io, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t length = recvmsg(fd, &message, MSG_TRUNC);
	struct cmsghdr *header;

	if (length < 14)
		return;
	s.length = (size_t)length;
	s.captured = s.length < sizeof(s.bytes) ? s.length : sizeof(s.bytes);
	s.direction = from.sll_pkttype;
	for (header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
		struct tpacket_auxdata *aux = (void *)CMSG_DATA(header);

		if (header->cmsg_type == PACKET_AUXDATA && aux->tp_status & TP_STATUS_VLAN_VALID)
			s.vlan = aux->tp_vlan_tci & 0xfff;
	}
	print_seen(&s);
}

int sniff(int count, char **words)
{
	struct pollfd polled = { .events = POLLIN };
	u64 quiet_ns, end = UINT64_MAX;
	int status = 0;
	pid_t pid;

	if (count < 3)
		usage("sniff IF QUIET_MS COMMAND...");
	quiet_ns = parse_number(words[1]) * 1000000;
	polled.fd = open_device(words[0]);
	pid = fork();
	if (pid == 0) {
		dup2(2, 1);
		execvp(words[2], words + 2);
		fail(words[2]);
	}
	/* What was seen in time is told, also by a process that did not get the processor meanwhile. */
	for (int more = 1; more || now_ns() < end;) {
		more = poll(&polled, 1, 20) > 0;
		if (more)
			take(polled.fd);
		if (end == UINT64_MAX && waitpid(pid, &status, WNOHANG) == pid)
			end = now_ns() + quiet_ns;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
