// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames of all kinds at full speed: what a share sees, and what nobody should send. They are made
 * once from templates; then sources, ports and lengths vary by a seed, so that a run can be repeated.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clusterctl.h"

#define KINDS_MAX 32
#define BURST 64

static struct frame kinds[KINDS_MAX];
static int kind_count;

/* The line's words, with $M, $S and $D replaced, become one kind of frame. */
static void add_kind(const char *line, const char *mac, const char *source, const char *target)
{
	static const u8 source_mac[6] = { 2, 0, 0, 0, 0x99, 1 };
	char text[512] = "", *words[24], *rest = text, *word;
	int count = 0;

	for (const char *p = line; *p; p++) {
		size_t used = strlen(text);
		const char *value = NULL;

		if (*p == '$')
			value = *++p == 'M' ? mac : *p == 'S' ? source : target;
		if (value)
			snprintf(text + used, sizeof(text) - used, "%s", value);
		else
			snprintf(text + used, sizeof(text) - used, "%c", *p);
	}
	while (count < 24 && (word = strsep(&rest, " ")))
		words[count++] = word;
	frame_build(&kinds[kind_count++], source_mac, count, words);
}

static const char *const lines4[] = {
	"eth=$M ip=$S,$D udp=4000,80 payload=64",
	"eth=$M ip=$S,$D tcp=4000,80 payload=4",
	"eth=$M ip=$S,$D tcp=4000,80,0x10 payload=1400",
	"eth=$M ip=$S,$D icmp=8,0,7,1 payload=56",
	"eth=$M ip=$S,$D icmp=3,1 ip=$D,$S udp=80,4000 payload=8",
	"eth=$M ip=$S,$D frag=0,1,9 udp=4000,80 payload=512",
	"eth=$M ip=$S,$D frag=520,0,9 proto=17 payload=64",
	"eth=$M ip=$S,$D proto=47 payload=32",
	"eth=$M vlan=7 ip=$S,$D udp=4000,80 payload=32",
	"eth=$M ip=$S,$D udp=4000,80 cut=20",
	"eth=$M ip=$S,$D cut=10",
	"eth=$M arp=request,02:00:00:00:99:01,$S,00:00:00:00:00:00,$D",
	"eth=ff:ff:ff:ff:ff:ff arp=request,02:00:00:00:99:01,$S,00:00:00:00:00:00,$D",
	"eth=ff:ff:ff:ff:ff:ff arp=request,00:00:00:00:00:00,0.0.0.0,00:00:00:00:00:00,$D",
	"eth=ff:ff:ff:ff:ff:ff arp=reply,02:00:00:00:99:01,$D,02:00:00:00:99:01,$D cut=9",
	"eth=$M proto=0x88b5 payload=40",
};

static const char *const lines6[] = {
	"eth=$M ip=$S,$D udp=4000,80 payload=64",
	"eth=$M ip=$S,$D tcp=4000,80 payload=4",
	"eth=$M ip=$S,$D icmp=128,0,7,1 payload=56",
	"eth=$M ip=$S,$D icmp=1,1 ip=$D,$S udp=80,4000 payload=8",
	"eth=$M ip=$S,$D ext=60 ext=60 udp=4000,80 payload=8",
	"eth=$M ip=$S,$D ext=60 ext=60 ext=60 ext=60 ext=60 ext=60 ext=60 udp=4000,80",
	"eth=$M ip=$S,$D frag=0,1,9 udp=4000,80 payload=512",
	"eth=$M ip=$S,$D frag=520,0,9 proto=17 payload=64",
	"eth=$M ip=$S,$D ns=$D,02:00:00:00:99:01",
	"eth=33:33:ff:00:01:00 ip=$S,ff02::1:ff00:100 ns=$D,02:00:00:00:99:01",
	"eth=33:33:ff:00:01:00 ip=::,ff02::1:ff00:100 ns=$D",
	"eth=33:33:00:00:00:01 ip=$S,ff02::1 na=$D,02:00:00:00:99:01",
	"eth=$M ip=$S,$D ext=60 cut=4",
	"eth=$M ip=$S,$D cut=30",
};

static u32 next_random(u64 *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (u32)(*state >> 33);
}

/* Another source, as the low bytes of an address; checksums go wrong where that is no harm. */
static void vary(struct frame *f, u32 random)
{
	u8 *ip = f->bytes + 14;

	if (f->length > 34 && f->bytes[12] == 0x08 && f->bytes[13] == 0) {
		u32 sum = 0;

		ip[14] = (u8)(random >> 8) & 15;
		ip[15] = (u8)random;
		ip[10] = ip[11] = 0;
		for (int i = 0; i < 20; i += 2)
			sum += (u32)ip[i] << 8 | ip[i + 1];
		sum = (sum & 0xffff) + (sum >> 16);
		sum = ~(sum + (sum >> 16)) & 0xffff;
		ip[10] = (u8)(sum >> 8);
		ip[11] = (u8)sum;
	} else if (f->length > 54 && f->bytes[12] == 0x86) {
		ip[22] = (u8)(random >> 8);
		ip[23] = (u8)random;
	}
}

int flood(int count, char **words)
{
	static struct frame burst[BURST];
	static struct iovec io[BURST];
	static struct mmsghdr messages[BURST];
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	u64 left, sent = 0, state;
	int fd, six;

	if (count < 5)
		usage("flood IF DSTMAC SRCNET DSTIP COUNT [SEED]");
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	to.sll_ifindex = (int)if_nametoindex(words[0]);
	to.sll_protocol = htons(0x0800);
	if (fd < 0 || !to.sll_ifindex)
		fail(words[0]);
	six = parse_address(words[3]).family == AF_INET6;
	left = parse_number(words[4]);
	state = count > 5 ? parse_number(words[5]) : 1;
	if (six)
		for (size_t i = 0; i < sizeof(lines6) / sizeof(lines6[0]); i++)
			add_kind(lines6[i], words[1], words[2], words[3]);
	else
		for (size_t i = 0; i < sizeof(lines4) / sizeof(lines4[0]); i++)
			add_kind(lines4[i], words[1], words[2], words[3]);
	for (int i = 0; i < BURST; i++) {
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &io[i],
			.msg_iovlen = 1,
		};
	}
	while (left) {
		u32 now = left < BURST ? (u32)left : BURST;
		int done;

		for (u32 i = 0; i < now; i++) {
			burst[i] = kinds[next_random(&state) % (u32)kind_count];
			vary(&burst[i], next_random(&state));
			io[i] = (struct iovec){ burst[i].bytes, burst[i].length };
		}
		done = sendmmsg(fd, messages, now, 0);
		/* The device may go away or down meanwhile: that is part of the test. */
		if (done <= 0 && errno != ENOBUFS && errno != EAGAIN)
			break;
		sent += done > 0 ? (u64)done : 0;
		left -= now;
	}
	printf("%llu\n", (unsigned long long)sent);
	return 0;
}
