// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asks one address from many sources at the same time, by TCP, UDP or ICMP echo, and prints for each
 * source who answered: "10.0.0.200 n1", "10.0.0.201 n1 n3" (two answers), "10.0.0.202 -".
 * Ends when every source has an answer and nothing more came for a while, or when the time is over.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clusterctl.h"

#define SOURCES_MAX 256
#define QUIET_MS 150
#define WAIT_MS 3000

enum way { BY_TCP, BY_UDP, BY_PING };

struct source {
	struct address address;
	int fd;
	int asked;		/* TCP: the connection is there */
	int answers;
	char said[128];
};

static struct source sources[SOURCES_MAX];
static struct pollfd polled[SOURCES_MAX];

static socklen_t to_sockaddr(struct sockaddr_storage *to, const struct address *a, u16 port)
{
	struct sockaddr_in6 *six = (void *)to;
	struct sockaddr_in *four = (void *)to;

	memset(to, 0, sizeof(*to));
	to->ss_family = (sa_family_t)a->family;
	if (a->family == AF_INET6) {
		six->sin6_port = htons(port);
		memcpy(&six->sin6_addr, a->data, 16);
		return sizeof(*six);
	}
	four->sin_port = htons(port);
	memcpy(&four->sin_addr, a->data, 4);
	return sizeof(*four);
}

static int open_socket(enum way way, int family)
{
	int flags = SOCK_NONBLOCK;

	if (way == BY_PING)
		return socket(family, SOCK_RAW | flags,
			      family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	return socket(family, (way == BY_TCP ? SOCK_STREAM : SOCK_DGRAM) | flags, 0);
}

/* An echo request; for IPv6 the kernel fills in the checksum of a raw socket. */
static void build_echo(u8 echo[16], int family)
{
	u32 sum;

	memset(echo, 0, 16);
	echo[0] = family == AF_INET ? 8 : 128;
	echo[5] = 7;
	sum = ~((u32)echo[0] << 8 | echo[1]) & 0xffff;
	sum = (sum + 0xffff - 7) % 0xffff;
	echo[2] = (u8)(sum >> 8);
	echo[3] = (u8)sum;
}

static void ask(struct source *s, enum way way, const struct address *to, u16 port)
{
	struct sockaddr_storage there, here;
	socklen_t bytes = to_sockaddr(&there, to, way == BY_PING ? 0 : port);
	char text[INET6_ADDRSTRLEN];
	u8 echo[16];

	s->fd = open_socket(way, s->address.family);
	if (s->fd < 0 || bind(s->fd, (void *)&here, to_sockaddr(&here, &s->address, 0)))
		fail(inet_ntop(s->address.family, s->address.data, text, sizeof(text)));
	/* A UDP or raw socket that is connected hears its peer only. */
	if (connect(s->fd, (void *)&there, bytes) && errno != EINPROGRESS)
		return;
	if (way == BY_UDP && send(s->fd, "who", 3, 0) < 0)
		return;
	build_echo(echo, s->address.family);
	if (way == BY_PING)
		send(s->fd, echo, sizeof(echo), 0);
}

static void remember(struct source *s, const char *name)
{
	size_t used = strlen(s->said);

	s->answers++;
	snprintf(s->said + used, sizeof(s->said) - used, " %s", name);
}

static int is_echo_reply(const struct source *s, const u8 *bytes, ssize_t count)
{
	size_t header = s->address.family == AF_INET ? (bytes[0] & 15u) * 4 : 0;

	return count > (ssize_t)header &&
	       bytes[header] == (s->address.family == AF_INET ? 0 : 129);
}

/* Reads what there is; whether it was an answer. */
static int hear(struct source *s, struct pollfd *p, enum way way)
{
	char bytes[512] = "", *end;
	ssize_t count;

	if (way == BY_TCP && !s->asked) {
		s->asked = 1;
		shutdown(s->fd, SHUT_WR);
		p->events = POLLIN;
		return 0;
	}
	count = recv(s->fd, bytes, sizeof(bytes) - 1, 0);
	if (count <= 0) {
		if (way == BY_TCP)
			p->fd = -1;
		return 0;
	}
	if (way == BY_PING) {
		if (!is_echo_reply(s, (u8 *)bytes, count))
			return 0;
		remember(s, "reply");
		return 1;
	}
	end = strpbrk(bytes, " \n");
	if (end)
		*end = 0;
	remember(s, bytes);
	return 1;
}

static int unanswered(u32 count)
{
	int left = 0;

	for (u32 i = 0; i < count; i++)
		left += !sources[i].answers;
	return left;
}

static void listen_to_all(u32 count, enum way way, u64 wait_ms)
{
	u64 end = now_ns() + wait_ms * 1000000, quiet_since = now_ns();

	for (;;) {
		u64 now = now_ns(), until = end;

		if (!unanswered(count) && quiet_since + QUIET_MS * 1000000ull < until)
			until = quiet_since + QUIET_MS * 1000000ull;
		if (now >= until)
			return;
		if (poll(polled, count, (int)((until - now) / 1000000) + 1) <= 0)
			continue;
		for (u32 i = 0; i < count; i++)
			if (polled[i].fd >= 0 && polled[i].revents &&
			    hear(&sources[i], &polled[i], way))
				quiet_since = now_ns();
	}
}

int who(int count, char **words)
{
	static const char *const ways[] = { "tcp", "udp", "ping" };
	u64 wait_ms = WAIT_MS;
	struct address to, first;
	char text[INET6_ADDRSTRLEN];
	u32 asked;
	int way;

	if (count < 5)
		usage("who tcp|udp|ping DST PORT FIRST COUNT [wait=MS]");
	way = parse_choice(words[0], ways, 3);
	to = parse_address(words[1]);
	first = parse_address(words[3]);
	asked = (u32)parse_number(words[4]);
	if (count > 5 && value_of(words[5], "wait"))
		wait_ms = parse_number(value_of(words[5], "wait"));
	if (asked > SOURCES_MAX)
		usage("at most %d sources", SOURCES_MAX);
	for (u32 i = 0; i < asked; i++) {
		sources[i].address = nth_address(first, i);
		ask(&sources[i], way, &to, (u16)parse_number(words[2]));
		polled[i].fd = sources[i].fd;
		polled[i].events = way == BY_TCP ? POLLOUT : POLLIN;
	}
	listen_to_all(asked, way, wait_ms);
	for (u32 i = 0; i < asked; i++) {
		inet_ntop(first.family, sources[i].address.data, text, sizeof(text));
		printf("%s%s\n", text, sources[i].answers ? sources[i].said : " -");
	}
	return 0;
}
