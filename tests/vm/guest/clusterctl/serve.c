// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Says its name: to each datagram, and to each connection once the other end has said all, together
 * with what came through it ("NAME BYTES DIGEST"). And the other end of that: pour.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clusterctl.h"

/* FNV-1a */
u64 stream_digest(u64 digest, const u8 *bytes, size_t count)
{
	while (count--)
		digest = (digest ^ *bytes++) * 0x100000001b3ull;
	return digest;
}

static int listen_on(int type, u16 port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, type, 0), yes = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof(yes));
	if (bind(fd, (void *)&any, sizeof(any)) || (type == SOCK_STREAM && listen(fd, 128)))
		fail("listen");
	return fd;
}

/* From the address that was asked: with several, the kernel would choose another. */
static void answer_datagram(int fd, const char *name)
{
	union {
		struct cmsghdr align;
		u8 bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} control;
	char question[64];
	struct sockaddr_in6 peer;
	struct iovec io = { question, sizeof(question) };
	struct msghdr message = {
		.msg_name = &peer, .msg_namelen = sizeof(peer), .msg_iov = &io, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;

	if (recvmsg(fd, &message, 0) < 0)
		return;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == IPV6_PKTINFO)
		((struct in6_pktinfo *)CMSG_DATA(header))->ipi6_ifindex = 0;
	io.iov_base = (void *)name;
	io.iov_len = strlen(name);
	sendmsg(fd, &message, 0);
}

_Noreturn static void answer_stream(int fd, const char *name)
{
	u64 digest = STREAM_DIGEST_START, total = 0;
	u8 bytes[16384];
	ssize_t count;

	alarm(60);
	while ((count = read(fd, bytes, sizeof(bytes))) > 0) {
		digest = stream_digest(digest, bytes, (size_t)count);
		total += (u64)count;
	}
	dprintf(fd, "%s %" PRIu64 " %016" PRIx64 "\n", name, total, digest);
	_exit(0);
}

int serve(int count, char **words)
{
	struct pollfd polled[2] = { { .events = POLLIN }, { .events = POLLIN } };
	u16 port;

	if (count != 2)
		usage("serve NAME PORT");
	port = (u16)parse_number(words[1]);
	polled[0].fd = listen_on(SOCK_STREAM, port);
	polled[1].fd = listen_on(SOCK_DGRAM, port);
	to_background();
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		poll(polled, 2, -1);
		if (polled[1].revents)
			answer_datagram(polled[1].fd, words[0]);
		if (polled[0].revents) {
			int fd = accept(polled[0].fd, NULL, NULL);

			if (fd >= 0 && fork() == 0)
				answer_stream(fd, words[0]);
			close(fd);
		}
	}
}

static void bind_to(int fd, const char *from)
{
	struct address address = parse_address(from);
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };

	memcpy(&six.sin6_addr, address.data, 16);
	memcpy(&four.sin_addr, address.data, 4);
	if (address.family == AF_INET ? bind(fd, (void *)&four, sizeof(four)) :
					bind(fd, (void *)&six, sizeof(six)))
		fail(from);
}

static int connect_to(const struct address *to, u16 port, const char *from)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(to->family, SOCK_STREAM, 0), error;

	if (from)
		bind_to(fd, from);
	memcpy(&six.sin6_addr, to->data, 16);
	memcpy(&four.sin_addr, to->data, 4);
	error = to->family == AF_INET ? connect(fd, (void *)&four, sizeof(four)) :
					connect(fd, (void *)&six, sizeof(six));
	if (error)
		fail("connect");
	return fd;
}

int pour(int count, char **words)
{
	u64 digest = STREAM_DIGEST_START, left, heard_bytes = 0, heard_digest = 0, state = 1;
	struct address to;
	char answer[256];
	u8 bytes[65536];
	int fd, length;

	if (count < 3)
		usage("pour DST PORT BYTES [SRC]");
	to = parse_address(words[0]);
	left = parse_number(words[2]);
	alarm(60);
	fd = connect_to(&to, (u16)parse_number(words[1]), count > 3 ? words[3] : NULL);
	while (left) {
		size_t chunk = left < sizeof(bytes) ? left : sizeof(bytes), sent = 0;

		for (size_t i = 0; i < chunk; i++)
			bytes[i] = (u8)((state = state * 6364136223846793005u + 1) >> 56);
		digest = stream_digest(digest, bytes, chunk);
		while (sent < chunk) {
			ssize_t wrote = write(fd, bytes + sent, chunk - sent);

			if (wrote < 0)
				fail("write");
			sent += (size_t)wrote;
		}
		left -= chunk;
	}
	shutdown(fd, SHUT_WR);
	length = (int)read(fd, answer, sizeof(answer) - 1);
	answer[length > 0 ? length : 0] = 0;
	if (sscanf(answer, "%*s %" SCNu64 " %" SCNx64, &heard_bytes, &heard_digest) != 2)
		usage("no answer");
	puts(heard_bytes == parse_number(words[2]) && heard_digest == digest ? "equal" : "differs");
	return 0;
}
