// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ethernet frames from words. Each word appends a header; lengths, checksums and the numbers of next
 * headers fill themselves in, from the last header to the first. So the packet that an ICMP error
 * quotes is written behind it as any other: "ip=A,B icmp=3,1 ip=B,C udp=1,2".
 *
 *   eth=DST[,SRC]   vlan=ID   ip=SRC,DST (either family)   udp=S,D   tcp=S,D[,FLAGS]
 *   icmp=TYPE,CODE[,ID,SEQUENCE]   frag=OFFSET,MORE,ID   ext=NUMBER   proto=NUMBER   payload=BYTES
 *   arp=request|reply,SENDER_MAC,SENDER,TARGET_MAC,TARGET   ns=TARGET[,MAC]   na=TARGET[,MAC]
 *   cut=BYTES (off the end)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clusterctl.h"

enum { IP4, IP6, UDP, TCP, ICMP4, ICMP6 };

#define WORDS_MAX 8

static u8 *append(struct frame *f, size_t bytes)
{
	u8 *p = f->bytes + f->length;

	if (f->length + bytes > sizeof(f->bytes))
		usage("the frame is too long");
	f->length += bytes;
	memset(p, 0, bytes);
	return p;
}

static void put16(u8 *p, u32 value)
{
	p[0] = (u8)(value >> 8);
	p[1] = (u8)value;
}

static void put_next(struct frame *f, u32 protocol, u32 ethertype)
{
	if (!f->next)
		usage("a header has nothing before it");
	if (f->next_is_ethertype)
		put16(f->next, ethertype);
	else
		*f->next = (u8)protocol;
}

static void push(struct frame *f, int kind, const u8 *at)
{
	if (f->layer_count == 16)
		usage("too many headers");
	f->layers[f->layer_count++] = (struct layer){ (u8)kind, (u16)(at - f->bytes) };
}

/* The innermost IP header begun so far. */
static struct layer *last_ip(struct frame *f)
{
	for (int i = f->layer_count - 1; i >= 0; i--)
		if (f->layers[i].kind <= IP6)
			return &f->layers[i];
	usage("no IP header yet");
}

static int split(char *text, char **parts)
{
	int count = 0;
	char *part;

	while (count < WORDS_MAX && (part = strsep(&text, ",")))
		parts[count++] = part;
	return count;
}

static u32 part_number(char **parts, int count, int i)
{
	return i < count ? (u32)parse_number(parts[i]) : 0;
}

static void add_ip(struct frame *f, char **parts)
{
	struct address from = parse_address(parts[0]), to = parse_address(parts[1]);
	u8 *p;

	if (from.family != to.family)
		usage("addresses of two families");
	put_next(f, from.family == AF_INET ? 4 : 41, from.family == AF_INET ? 0x0800 : 0x86dd);
	p = append(f, from.family == AF_INET ? 20 : 40);
	if (from.family == AF_INET) {
		p[0] = 0x45;
		p[8] = 64;
		f->next = p + 9;
		memcpy(p + 12, from.data, 4);
		memcpy(p + 16, to.data, 4);
	} else {
		p[0] = 0x60;
		p[7] = 64;
		f->next = p + 6;
		memcpy(p + 8, from.data, 16);
		memcpy(p + 24, to.data, 16);
	}
	f->next_is_ethertype = 0;
	push(f, from.family == AF_INET ? IP4 : IP6, p);
}

static void add_fragment(struct frame *f, char **parts, int count)
{
	u32 offset = part_number(parts, count, 0), more = part_number(parts, count, 1);
	u32 id = part_number(parts, count, 2);
	struct layer *ip = last_ip(f);
	u8 *p;

	if (ip->kind == IP4) {
		put16(f->bytes + ip->at + 4, id);
		put16(f->bytes + ip->at + 6, offset / 8 | (more ? 0x2000 : 0));
		return;
	}
	put_next(f, 44, 0);
	p = append(f, 8);
	put16(p + 2, (offset & ~7u) | (more ? 1 : 0));
	put16(p + 6, id);
	f->next = p;
}

static void add_extension(struct frame *f, char **parts)
{
	u8 *p;

	put_next(f, (u32)parse_number(parts[0]), 0);
	p = append(f, 8);
	/* PadN of four bytes fills what a hop-by-hop or destination header must hold. */
	p[2] = 1;
	p[3] = 4;
	f->next = p;
}

static void add_ports(struct frame *f, int kind, char **parts, int count)
{
	u8 *p;

	put_next(f, kind == UDP ? 17 : 6, 0);
	p = append(f, kind == UDP ? 8 : 20);
	put16(p, part_number(parts, count, 0));
	put16(p + 2, part_number(parts, count, 1));
	if (kind == TCP) {
		p[12] = 5 << 4;
		p[13] = count > 2 ? (u8)part_number(parts, count, 2) : 2;
		put16(p + 14, 0xffff);
	}
	push(f, kind, p);
}

static u8 *add_icmp(struct frame *f, u8 type, u8 code, size_t bytes)
{
	int kind = last_ip(f)->kind == IP4 ? ICMP4 : ICMP6;
	u8 *p;

	put_next(f, kind == ICMP4 ? 1 : 58, 0);
	p = append(f, bytes);
	p[0] = type;
	p[1] = code;
	push(f, kind, p);
	/* What follows an error is the packet that it quotes: that has no number to fill in. */
	f->next = append(f, 0);
	return p;
}

static void add_neighbour(struct frame *f, u8 type, char **parts, int count)
{
	struct address target = parse_address(parts[0]);
	u8 *p = add_icmp(f, type, 0, 24), *option;

	f->bytes[last_ip(f)->at + 7] = 255;
	memcpy(p + 8, target.data, 16);
	if (type == 136)
		p[4] = 0x20;	/* override */
	if (count < 2)
		return;
	option = append(f, 8);
	option[0] = type == 135 ? 1 : 2;
	option[1] = 1;
	parse_mac(parts[1], option + 2);
}

static void add_arp(struct frame *f, char **parts, int count)
{
	u8 *p;

	if (count != 5)
		usage("arp=request|reply,MAC,ADDRESS,MAC,ADDRESS");
	put_next(f, 0, 0x0806);
	p = append(f, 28);
	memcpy(p, "\0\1\x08\0\6\4\0", 7);
	p[7] = strcmp(parts[0], "reply") ? 1 : 2;
	parse_mac(parts[1], p + 8);
	memcpy(p + 14, parse_address(parts[2]).data, 4);
	parse_mac(parts[3], p + 18);
	memcpy(p + 24, parse_address(parts[4]).data, 4);
}

static void add_payload(struct frame *f, size_t bytes)
{
	u8 *p = append(f, bytes);

	for (size_t i = 0; i < bytes; i++)
		p[i] = (u8)i;
}

static void add_ethernet(struct frame *f, const u8 source_mac[6], char **parts, int count)
{
	u8 *p = append(f, 14);

	parse_mac(parts[0], p);
	if (count > 1)
		parse_mac(parts[1], p + 6);
	else
		memcpy(p + 6, source_mac, 6);
	f->next = p + 12;
	f->next_is_ethertype = 1;
}

static void add_vlan(struct frame *f, char **parts, int count)
{
	u8 *p;

	put_next(f, 0, 0x8100);
	p = append(f, 4);
	put16(p, part_number(parts, count, 0));
	f->next = p + 2;
}

static void add_word(struct frame *f, const u8 source_mac[6], const char *name, char **parts,
		     int count)
{
	u8 *p;

	if (!strcmp(name, "eth")) {
		add_ethernet(f, source_mac, parts, count);
	} else if (!strcmp(name, "vlan")) {
		add_vlan(f, parts, count);
	} else if (!strcmp(name, "ip") && count == 2) {
		add_ip(f, parts);
	} else if (!strcmp(name, "frag")) {
		add_fragment(f, parts, count);
	} else if (!strcmp(name, "ext")) {
		add_extension(f, parts);
	} else if (!strcmp(name, "proto")) {
		put_next(f, part_number(parts, count, 0), part_number(parts, count, 0));
	} else if (!strcmp(name, "udp")) {
		add_ports(f, UDP, parts, count);
	} else if (!strcmp(name, "tcp")) {
		add_ports(f, TCP, parts, count);
	} else if (!strcmp(name, "icmp")) {
		p = add_icmp(f, (u8)part_number(parts, count, 0),
			     (u8)part_number(parts, count, 1), 8);
		put16(p + 4, part_number(parts, count, 2));
		put16(p + 6, part_number(parts, count, 3));
	} else if (!strcmp(name, "ns")) {
		add_neighbour(f, 135, parts, count);
	} else if (!strcmp(name, "na")) {
		add_neighbour(f, 136, parts, count);
	} else if (!strcmp(name, "arp")) {
		add_arp(f, parts, count);
	} else if (!strcmp(name, "payload")) {
		add_payload(f, part_number(parts, count, 0));
	} else {
		usage("no such header: %s", name);
	}
}

/*
 * Lengths and checksums
 */

static u32 sum16(const u8 *p, size_t bytes, u32 sum)
{
	for (size_t i = 0; i < bytes; i++)
		sum += i & 1 ? p[i] : (u32)p[i] << 8;
	return sum;
}

static void put_checksum(u8 *at, u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(at, ~sum & 0xffff);
}

static u32 pseudo_sum(const struct frame *f, int layer, u32 protocol, size_t bytes)
{
	while (--layer >= 0) {
		const u8 *ip = f->bytes + f->layers[layer].at;

		if (f->layers[layer].kind == IP4)
			return sum16(ip + 12, 8, protocol + (u32)bytes);
		if (f->layers[layer].kind == IP6)
			return sum16(ip + 8, 32, protocol + (u32)bytes);
	}
	return 0;
}

static void finish_layer(struct frame *f, int i)
{
	u8 *p = f->bytes + f->layers[i].at;
	size_t bytes = f->length - f->layers[i].at;

	switch (f->layers[i].kind) {
	case IP4:
		put16(p + 2, (u32)bytes);
		put_checksum(p + 10, sum16(p, 20, 0));
		break;
	case IP6:
		put16(p + 4, (u32)bytes - 40);
		break;
	case UDP:
		put16(p + 4, (u32)bytes);
		put_checksum(p + 6, sum16(p, bytes, pseudo_sum(f, i, 17, bytes)));
		break;
	case TCP:
		put_checksum(p + 16, sum16(p, bytes, pseudo_sum(f, i, 6, bytes)));
		break;
	case ICMP4:
		put_checksum(p + 2, sum16(p, bytes, 0));
		break;
	case ICMP6:
		put_checksum(p + 2, sum16(p, bytes, pseudo_sum(f, i, 58, bytes)));
		break;
	}
}

void frame_build(struct frame *f, const u8 source_mac[6], int count, char **words)
{
	size_t cut = 0;

	memset(f, 0, sizeof(*f));
	for (int i = 0; i < count; i++) {
		char copy[256], *parts[WORDS_MAX], *equals;

		if (value_of(words[i], "cut")) {
			cut = parse_number(value_of(words[i], "cut"));
			continue;
		}
		snprintf(copy, sizeof(copy), "%s", words[i]);
		equals = strchr(copy, '=');
		if (!equals)
			usage("HEADER=VALUES: %s", words[i]);
		*equals = 0;
		add_word(f, source_mac, copy, parts, split(equals + 1, parts));
	}
	for (int i = f->layer_count - 1; i >= 0; i--)
		finish_layer(f, i);
	if (cut >= f->length)
		usage("nothing is left of the frame");
	f->length -= cut;
}
