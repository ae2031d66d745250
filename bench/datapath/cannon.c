// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends equal bursts of UDP frames into several interfaces, in turns, and prints how long each took:
 *
 *	cannon ROUNDS FRAMES DSTMAC LANE...		LANE: INTERFACE,SRC,DST
 *
 * One line for each lane: "@@time INTERFACE NS NS ...", nanoseconds of a burst in each round. The
 * sources of a lane's frames are SRC and the 1023 addresses behind it. Frames are built beforehand
 * and go past the queues, and veth hands them on to its peer before the system call returns: so the
 * time is that of sending and receiving, and nothing else.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define SOURCES		1024
#define BATCH		64	/* of one system call */
#define LANES_MAX	64
#define ROUNDS_MAX	1000
#define PAYLOAD		18	/* makes the shortest Ethernet frame with IPv4 */
#define FRAME_MAX	(14 + 40 + 8 + PAYLOAD)

struct lane {
	char name[IF_NAMESIZE];
	uint8_t frames[SOURCES][FRAME_MAX];
	size_t length;
	struct sockaddr_ll to;
	unsigned int next;
	uint64_t ns[ROUNDS_MAX];
};

static struct lane lanes[LANES_MAX];

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void put16(uint8_t *p, unsigned int value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* UDP without a checksum. */
static void put_udp(uint8_t *p)
{
	put16(p, 1000);
	put16(p + 2, 53);
	put16(p + 4, 8 + PAYLOAD);
}

static void put_checksum(uint8_t *header)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	put16(header + 10, ~(sum + (sum >> 16)) & 0xffff);
}

static size_t build4(uint8_t *p, const uint8_t *from, const uint8_t *to, unsigned int number)
{
	memcpy(p, "\x45\0\0\0\0\0\0\0\x40\x11", 10);
	put16(p + 2, 20 + 8 + PAYLOAD);
	memcpy(p + 12, from, 4);
	memcpy(p + 16, to, 4);
	put16(p + 14, ((unsigned int)p[14] << 8 | p[15]) + number);
	put_checksum(p);
	put_udp(p + 20);
	return 20 + 8 + PAYLOAD;
}

static size_t build6(uint8_t *p, const uint8_t *from, const uint8_t *to, unsigned int number)
{
	memcpy(p, "\x60\0\0\0\0\0\x11\x40", 8);
	put16(p + 4, 8 + PAYLOAD);
	memcpy(p + 8, from, 16);
	memcpy(p + 24, to, 16);
	put16(p + 22, ((unsigned int)p[22] << 8 | p[23]) + number);
	put_udp(p + 40);
	return 40 + 8 + PAYLOAD;
}

static void prepare(struct lane *l, char *words, const uint8_t mac[6])
{
	char *name = strsep(&words, ","), *source = strsep(&words, ",");
	int family = words && strchr(words, ':') ? AF_INET6 : AF_INET;
	uint16_t ethertype = family == AF_INET ? ETH_P_IP : ETH_P_IPV6;
	uint8_t from[16], to[16];

	if (!words || inet_pton(family, source, from) != 1 || inet_pton(family, words, to) != 1) {
		fprintf(stderr, "cannon: INTERFACE,SRC,DST: %s\n", name);
		exit(2);
	}
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->to = (struct sockaddr_ll){
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(name),
		.sll_halen = 6,
		.sll_protocol = htons(ethertype),
	};
	if (!l->to.sll_ifindex)
		fail(name);
	for (unsigned int i = 0; i < SOURCES; i++) {
		uint8_t *frame = l->frames[i];

		memcpy(frame, mac, 6);
		memcpy(frame + 6, "\2\0\0\0\0\xcc", 6);
		put16(frame + 12, ethertype);
		l->length = 14 + (family == AF_INET ? build4 : build6)(frame + 14, from, to, i);
	}
}

static void send_burst(int fd, struct lane *l, unsigned int count)
{
	struct mmsghdr messages[BATCH] = {};
	struct iovec parts[BATCH];

	while (count) {
		unsigned int batch = count < BATCH ? count : BATCH;
		int sent;

		for (unsigned int i = 0; i < batch; i++) {
			parts[i] = (struct iovec){ l->frames[(l->next + i) % SOURCES], l->length };
			messages[i].msg_hdr = (struct msghdr){
				.msg_name = &l->to, .msg_namelen = sizeof(l->to),
				.msg_iov = &parts[i], .msg_iovlen = 1,
			};
		}
		sent = sendmmsg(fd, messages, batch, 0);
		if (sent <= 0)
			fail(l->name);
		l->next += (unsigned int)sent;
		count -= (unsigned int)sent;
	}
}

int main(int argc, char **argv)
{
	unsigned int rounds, frames, count = (unsigned int)argc - 4;
	int fd = socket(AF_PACKET, SOCK_RAW, 0), yes = 1;
	uint8_t mac[6];

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes)))
		fail("packet socket");
	if (argc < 5 || count > LANES_MAX || (rounds = (unsigned int)atoi(argv[1])) > ROUNDS_MAX ||
	    sscanf(argv[3], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3,
		   mac + 4, mac + 5) != 6) {
		fprintf(stderr, "cannon ROUNDS FRAMES DSTMAC INTERFACE,SRC,DST...\n");
		return 2;
	}
	frames = (unsigned int)atoi(argv[2]);
	for (unsigned int i = 0; i < count; i++)
		prepare(&lanes[i], argv[4 + i], mac);
	/* Round 0 warms up, and is not told. */
	for (unsigned int round = 0; round <= rounds; round++) {
		for (unsigned int i = 0; i < count; i++) {
			uint64_t start = now_ns();

			send_burst(fd, &lanes[i], frames);
			if (round)
				lanes[i].ns[round - 1] = now_ns() - start;
		}
	}
	for (unsigned int i = 0; i < count; i++) {
		printf("@@time %s", lanes[i].name);
		for (unsigned int round = 0; round < rounds; round++)
			printf(" %llu", (unsigned long long)lanes[i].ns[round]);
		putchar('\n');
	}
	return 0;
}
