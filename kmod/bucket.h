/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bucket function: from a frame to one of 256 buckets.
 *
 * One source for the BPF programs, the kernel module and user space; lib/ownership/ has the same
 * function in TypeScript, and tests/vectors/bucket.json holds all of them together.
 *
 * Needs from the includer: u8, u16, u32, u64, and AVAIL_INLINE (inline and always_inline).
 *
 * Addresses and ports are kept "as loaded": their bytes in memory are those on the wire.
 * `end` is one past the last byte. A read is preceded by a comparison of the cursor with `end`,
 * and the cursor is never moved past `end`: the BPF verifier asks for the former, C for the latter.
 *
 * The configuration may lie in .rodata of a BPF program: it is volatile here, since clang would
 * otherwise fold the initial zeros that the loader replaces.
 *
 * What is hashed (HalfSipHash-1-3, bytes in network order, bucket = top 8 bits of 32):
 *
 *   key      bytes                                                       IPv4   IPv6
 *   source   source address                                                 4     16
 *   pair     both addresses, the smaller first                              8     32
 *   inside   address of the inside host (between two inside prefixes: pair) 4     16
 *   flow     both ends (address, port), the smaller first; protocol        13     37
 *
 * "Smaller" is the order of memcmp(). With `flow`, whatever has no ports (ICMP, fragments, a
 * transport header cut short) goes by `pair`. The lengths in the IP headers are not looked at:
 * a packet that lies about them still reaches exactly one node, whose kernel drops it.
 */
#ifndef AVAIL_BUCKET_H
#define AVAIL_BUCKET_H

#define AVAIL_BUCKETS		256
#define AVAIL_INSIDE_MAX	16	/* inside prefixes: as many as there are shares */
#define AVAIL_EXTENSIONS_MAX	6	/* IPv6 extension headers of one packet */

#define AVAIL_NAT_PORT_FIRST	1024	/* below: services, by the share's key */
#define AVAIL_NAT_SLICE		252	/* (65536 - 1024) / AVAIL_BUCKETS */

#define AVAIL_ETHERTYPE_IP4	0x0800
#define AVAIL_ETHERTYPE_ARP	0x0806
#define AVAIL_ETHERTYPE_VLAN	0x8100
#define AVAIL_ETHERTYPE_IP6	0x86dd
#define AVAIL_ETHERTYPE_QINQ	0x88a8

/* A cursor behind what is cut short. */
#define AVAIL_NOWHERE		((const u8 *)(void *)0)

/* What stands in the place of a bucket: all are negative. */
enum avail_verdict {
	AVAIL_MALFORMED = -1,		/* cannot be parsed */
	AVAIL_NDP = -2,			/* ICMPv6 133 to 137: not bucketed */
	AVAIL_ARP = -3,			/* not bucketed */
	AVAIL_OTHER = -4,		/* another ethertype, or more than two VLAN tags */
	AVAIL_FRAGMENT_TO_NAT = -5,	/* every node takes it, and judges again once it is whole */
	AVAIL_NAT_OTHER = -6,		/* to the NAT address, but nothing that NAT can own */
	AVAIL_NOT_NAT = -7,		/* only from avail_nat_bucket(): the share's key decides */
};

enum avail_key {
	AVAIL_KEY_SOURCE,
	AVAIL_KEY_PAIR,
	AVAIL_KEY_INSIDE,
	AVAIL_KEY_FLOW,
};

enum avail_side {
	AVAIL_SIDE_INSIDE,
	AVAIL_SIDE_OUTSIDE,
};

/* The numbers on the right are offsets; the same on 32 and 64 bits. */
struct avail_prefix {
	u32 addr[4];		/*  0: as loaded, host bits zero; IPv4 in [0], the others zero */
	u32 mask[4];		/* 16 */
	u8 family;		/* 32: 4 or 6 */
	u8 pad[3];		/* 33 */
};				/* 36 */

struct avail_hash_config {
	u32 seed[2];		/*  0: HalfSipHash key, the low word first */
	u8 key;			/*  8: enum avail_key */
	u8 side;		/*  9: enum avail_side, for AVAIL_KEY_INSIDE */
	u8 nat;			/* 10: 1: nat4 is a NAT address */
	u8 inside_count;	/* 11 */
	u32 nat4;		/* 12: as loaded */
	struct avail_prefix inside[AVAIL_INSIDE_MAX];	/* 16 */
};				/* 592 */

enum avail_fragment {
	AVAIL_WHOLE,
	AVAIL_FIRST_FRAGMENT,
	AVAIL_LATER_FRAGMENT,
};

/* A packet's ends. Those of a quoted packet are swapped already, as if it had been received. */
struct avail_tuple {
	u32 saddr[4];		/* IPv4 in [0], the others zero */
	u32 daddr[4];
	u16 sport;		/* as loaded; for echo both are the identifier */
	u16 dport;
	u8 family;		/* 4 or 6 */
	u8 proto;
	u8 has_ports;		/* 1: sport and dport are ports */
	u8 fragment;		/* enum avail_fragment; true for every kind of fragment */
	u8 echo;		/* 1: sport and dport are an ICMP echo identifier */
	u8 quoted;		/* 1: read from the packet that an ICMP error quotes */
	u8 pad[2];
};

/*
 * Access to memory
 */

#ifdef __bpf__
/* Hides from clang what it knows of x: it would drop a caller's mask that the verifier asks for. */
#define AVAIL_OPAQUE(x)		asm volatile("" : "+r"(x))

/* clang would split a packed or copied load into bytes. */
#define AVAIL_SHORT(p, n, end)	((p) + (n) > (end))
static AVAIL_INLINE u16 avail_load16(const u8 *p) { return *(const u16 *)p; }
static AVAIL_INLINE u32 avail_load32(const u8 *p) { return *(const u32 *)p; }

/*
 * x below 4096, unchanged, but of unknown value to the verifier: else it would walk every
 * combination of the ways by which x can have come about. p: 2 bytes of the packet.
 */
static AVAIL_INLINE u32 avail_forget(u32 x, const u8 *p)
{
	u32 mask = avail_load16(p), same = mask;

	AVAIL_OPAQUE(same);
	x ^= mask;
	AVAIL_OPAQUE(x);
	return (x ^ same) & 0xfff;
}
#else
#define AVAIL_OPAQUE(x)		((void)(x))
static AVAIL_INLINE u32 avail_forget(u32 x, const u8 *p) { (void)p; return x; }

#define AVAIL_SHORT(p, n, end)	((u64)((end) - (p)) < (n))
static AVAIL_INLINE u16 avail_load16(const u8 *p)
{
	u16 value;

	__builtin_memcpy(&value, p, sizeof(value));
	return value;
}

static AVAIL_INLINE u32 avail_load32(const u8 *p)
{
	u32 value;

	__builtin_memcpy(&value, p, sizeof(value));
	return value;
}
#endif

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define AVAIL_LE16(x)	__builtin_bswap16(x)
#define AVAIL_LE32(x)	__builtin_bswap32(x)
#define AVAIL_BE16(x)	((u16)(x))
#else
#define AVAIL_LE16(x)	((u16)(x))
#define AVAIL_LE32(x)	((u32)(x))
#define AVAIL_BE16(x)	__builtin_bswap16(x)
#endif

/* Eight bytes of an address as a little-endian number, whatever the machine. */
static AVAIL_INLINE u64 avail_le64(const u32 *words)
{
	return (u64)AVAIL_LE32(words[1]) << 32 | AVAIL_LE32(words[0]);
}

/*
 * HalfSipHash-1-3: Aumasson and Bernstein's SipHash with words of 32 bits; the same as hsiphash()
 * of a 32-bit Linux (lib/siphash.c). One round per word, the last holding the length; then three.
 */

struct avail_siphash {
	u32 v0, v1, v2, v3;
};

#define AVAIL_ROTATE(x, n)	((x) << (n) | (x) >> (32 - (n)))

static AVAIL_INLINE void avail_siphash_round(struct avail_siphash *s)
{
	s->v0 += s->v1;
	s->v1 = AVAIL_ROTATE(s->v1, 5) ^ s->v0;
	s->v0 = AVAIL_ROTATE(s->v0, 16);
	s->v2 += s->v3;
	s->v3 = AVAIL_ROTATE(s->v3, 8) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = AVAIL_ROTATE(s->v3, 7) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = AVAIL_ROTATE(s->v1, 13) ^ s->v2;
	s->v2 = AVAIL_ROTATE(s->v2, 16);
}

static AVAIL_INLINE void avail_siphash_start(struct avail_siphash *s,
					     const volatile struct avail_hash_config *c)
{
	u32 low = c->seed[0], high = c->seed[1];

	s->v0 = low;
	s->v1 = high;
	s->v2 = 0x6c796765u ^ low;
	s->v3 = 0x74656462u ^ high;
}

static AVAIL_INLINE void avail_siphash_word(struct avail_siphash *s, u32 word)
{
	s->v3 ^= word;
	avail_siphash_round(s);
	s->v0 ^= word;
}

/* rest: the length modulo 256 in the top byte, below it the bytes that fill no word */
static AVAIL_INLINE u32 avail_siphash_end(struct avail_siphash *s, u32 rest)
{
	avail_siphash_word(s, rest);
	s->v2 ^= 0xff;
	avail_siphash_round(s);
	avail_siphash_round(s);
	avail_siphash_round(s);
	return s->v1 ^ s->v3;
}

/*
 * From the key's bytes to a bucket. Lengths are fixed per key and family, so that all is unrolled.
 */

static AVAIL_INLINE u32 avail_top_bits(u32 hash)
{
	return hash >> 24;
}

/* 4 or 16 bytes */
static AVAIL_INLINE u32 avail_bucket_of_address(const u32 *addr, u8 family,
						const volatile struct avail_hash_config *c)
{
	struct avail_siphash s;

	avail_siphash_start(&s, c);
	avail_siphash_word(&s, AVAIL_LE32(addr[0]));
	if (family == 4)
		return avail_top_bits(avail_siphash_end(&s, 4u << 24));
	avail_siphash_word(&s, AVAIL_LE32(addr[1]));
	avail_siphash_word(&s, AVAIL_LE32(addr[2]));
	avail_siphash_word(&s, AVAIL_LE32(addr[3]));
	return avail_top_bits(avail_siphash_end(&s, 16u << 24));
}

/* 8 bytes */
static AVAIL_INLINE u32 avail_bucket_of_pair4(const struct avail_tuple *t,
					      const volatile struct avail_hash_config *c)
{
	u32 a = AVAIL_LE32(t->saddr[0]), b = AVAIL_LE32(t->daddr[0]);
	int swap = __builtin_bswap32(a) > __builtin_bswap32(b);
	struct avail_siphash s;

	avail_siphash_start(&s, c);
	avail_siphash_word(&s, swap ? b : a);
	avail_siphash_word(&s, swap ? a : b);
	return avail_top_bits(avail_siphash_end(&s, 8u << 24));
}

/* 32 bytes */
static AVAIL_INLINE u32 avail_bucket_of_pair6(const struct avail_tuple *t,
					      const volatile struct avail_hash_config *c)
{
	u64 a0 = avail_le64(t->saddr), a1 = avail_le64(t->saddr + 2);
	u64 b0 = avail_le64(t->daddr), b1 = avail_le64(t->daddr + 2);
	struct avail_siphash s;

	if (a0 == b0 ? __builtin_bswap64(a1) > __builtin_bswap64(b1) :
		       __builtin_bswap64(a0) > __builtin_bswap64(b0)) {
		u64 x0 = a0, x1 = a1;

		a0 = b0, a1 = b1;
		b0 = x0, b1 = x1;
	}
	avail_siphash_start(&s, c);
	avail_siphash_word(&s, (u32)a0);
	avail_siphash_word(&s, (u32)(a0 >> 32));
	avail_siphash_word(&s, (u32)a1);
	avail_siphash_word(&s, (u32)(a1 >> 32));
	avail_siphash_word(&s, (u32)b0);
	avail_siphash_word(&s, (u32)(b0 >> 32));
	avail_siphash_word(&s, (u32)b1);
	avail_siphash_word(&s, (u32)(b1 >> 32));
	return avail_top_bits(avail_siphash_end(&s, 32u << 24));
}

static AVAIL_INLINE u32 avail_bucket_of_pair(const struct avail_tuple *t,
					     const volatile struct avail_hash_config *c)
{
	return t->family == 4 ? avail_bucket_of_pair4(t, c) : avail_bucket_of_pair6(t, c);
}

/* 4 + 2 + 4 + 2 + 1 = 13 bytes; an end as one number: 48 bits, little-endian */
static AVAIL_INLINE u32 avail_bucket_of_flow4(const struct avail_tuple *t,
					      const volatile struct avail_hash_config *c)
{
	u64 a = (u64)AVAIL_LE16(t->sport) << 32 | AVAIL_LE32(t->saddr[0]);
	u64 b = (u64)AVAIL_LE16(t->dport) << 32 | AVAIL_LE32(t->daddr[0]);
	struct avail_siphash s;

	if (__builtin_bswap64(a) > __builtin_bswap64(b)) {
		u64 x = a;

		a = b;
		b = x;
	}
	avail_siphash_start(&s, c);
	avail_siphash_word(&s, (u32)a);
	avail_siphash_word(&s, (u32)(a >> 32) | (u32)b << 16);
	avail_siphash_word(&s, (u32)(b >> 16));
	return avail_top_bits(avail_siphash_end(&s, 13u << 24 | t->proto));
}

/* 16 + 2 + 16 + 2 + 1 = 37 bytes */
static AVAIL_INLINE u32 avail_bucket_of_flow6(const struct avail_tuple *t,
					      const volatile struct avail_hash_config *c)
{
	u64 a0 = avail_le64(t->saddr), a1 = avail_le64(t->saddr + 2);
	u64 b0 = avail_le64(t->daddr), b1 = avail_le64(t->daddr + 2);
	u32 ap = AVAIL_LE16(t->sport), bp = AVAIL_LE16(t->dport);
	struct avail_siphash s;
	int swap;

	if (a0 != b0)
		swap = __builtin_bswap64(a0) > __builtin_bswap64(b0);
	else if (a1 != b1)
		swap = __builtin_bswap64(a1) > __builtin_bswap64(b1);
	else
		swap = AVAIL_BE16(t->sport) > AVAIL_BE16(t->dport);
	if (swap) {
		u64 x0 = a0, x1 = a1;
		u32 xp = ap;

		a0 = b0, a1 = b1, ap = bp;
		b0 = x0, b1 = x1, bp = xp;
	}
	avail_siphash_start(&s, c);
	avail_siphash_word(&s, (u32)a0);
	avail_siphash_word(&s, (u32)(a0 >> 32));
	avail_siphash_word(&s, (u32)a1);
	avail_siphash_word(&s, (u32)(a1 >> 32));
	avail_siphash_word(&s, ap | (u32)b0 << 16);
	avail_siphash_word(&s, (u32)(b0 >> 16));
	avail_siphash_word(&s, (u32)(b0 >> 48) | (u32)b1 << 16);
	avail_siphash_word(&s, (u32)(b1 >> 16));
	avail_siphash_word(&s, (u32)(b1 >> 48) | bp << 16);
	return avail_top_bits(avail_siphash_end(&s, 37u << 24 | t->proto));
}

static AVAIL_INLINE int avail_is_inside(const u32 *addr, u8 family,
					const volatile struct avail_hash_config *c)
{
	u32 count = c->inside_count, i;

	for (i = 0; i < AVAIL_INSIDE_MAX && i < count; i++) {
		const volatile struct avail_prefix *p = &c->inside[i];

		if (p->family == family &&
		    !((addr[0] & p->mask[0]) ^ p->addr[0]) &&
		    !((addr[1] & p->mask[1]) ^ p->addr[1]) &&
		    !((addr[2] & p->mask[2]) ^ p->addr[2]) &&
		    !((addr[3] & p->mask[3]) ^ p->addr[3]))
			return 1;
	}
	return 0;
}

/* The bucket of a tuple by the share's key, 0 to 255; NAT is not looked at. */
static AVAIL_INLINE u32 avail_bucket(const struct avail_tuple *t,
				     const volatile struct avail_hash_config *c)
{
	u8 key = c->key;

	if (key == AVAIL_KEY_SOURCE)
		return avail_bucket_of_address(t->saddr, t->family, c);
	if (key == AVAIL_KEY_FLOW && t->has_ports && !t->fragment)
		return t->family == 4 ? avail_bucket_of_flow4(t, c) : avail_bucket_of_flow6(t, c);
	if (key == AVAIL_KEY_INSIDE && !(avail_is_inside(t->saddr, t->family, c) &&
					 avail_is_inside(t->daddr, t->family, c))) {
		if (c->side == AVAIL_SIDE_INSIDE)
			return avail_bucket_of_address(t->saddr, t->family, c);
		return avail_bucket_of_address(t->daddr, t->family, c);
	}
	return avail_bucket_of_pair(t, c);
}

/* Who answers an ARP or NDP request: by the address of the one that asks, alone. */
static AVAIL_INLINE u32 avail_bucket_of_requester(const u32 addr[4], u8 family,
						  const volatile struct avail_hash_config *c)
{
	return avail_bucket_of_address(addr, family, c);
}

/*
 * The bucket that a port of the NAT address belongs to, with no state at all: bucket b owns the
 * ports and echo identifiers from 1024 + 252 b to 1024 + 252 b + 251.
 * AVAIL_NOT_NAT, AVAIL_FRAGMENT_TO_NAT or AVAIL_NAT_OTHER where there is none.
 */
static AVAIL_INLINE int avail_nat_bucket(const struct avail_tuple *t,
					 const volatile struct avail_hash_config *c)
{
	u32 port;

	if (!c->nat || t->family != 4 || t->daddr[0] != c->nat4)
		return AVAIL_NOT_NAT;
	if (t->fragment && !t->quoted)
		return AVAIL_FRAGMENT_TO_NAT;
	if (!t->echo && !(t->has_ports && (t->proto == 6 || t->proto == 17)))
		return AVAIL_NAT_OTHER;
	port = AVAIL_BE16(t->dport);
	if (port < AVAIL_NAT_PORT_FIRST)
		return AVAIL_NOT_NAT;
	return (int)((port - AVAIL_NAT_PORT_FIRST) / AVAIL_NAT_SLICE);
}

/* A bucket or a negative verdict: NAT first, then the share's key. */
static AVAIL_INLINE int avail_bucket_of_tuple(const struct avail_tuple *t,
					      const volatile struct avail_hash_config *c)
{
	int bucket = avail_nat_bucket(t, c);

	if (bucket == AVAIL_NOT_NAT)
		bucket = (int)avail_bucket(t, c);
	AVAIL_OPAQUE(bucket);
	return bucket;
}

/*
 * From bytes to a tuple
 */

static AVAIL_INLINE void avail_load_address6(u32 *addr, const u8 *p)
{
	addr[0] = avail_load32(p);
	addr[1] = avail_load32(p + 4);
	addr[2] = avail_load32(p + 8);
	addr[3] = avail_load32(p + 12);
}

static AVAIL_INLINE void avail_swap_ends(struct avail_tuple *t)
{
	u16 port = t->sport;
	u32 word;

	t->sport = t->dport;
	t->dport = port;
	word = t->saddr[0], t->saddr[0] = t->daddr[0], t->daddr[0] = word;
	word = t->saddr[1], t->saddr[1] = t->daddr[1], t->daddr[1] = word;
	word = t->saddr[2], t->saddr[2] = t->daddr[2], t->daddr[2] = word;
	word = t->saddr[3], t->saddr[3] = t->daddr[3], t->daddr[3] = word;
}

/* TCP, UDP, DCCP, SCTP, UDP-Lite: both ports come first. */
static AVAIL_INLINE int avail_has_ports(u8 proto)
{
	return proto == 6 || proto == 17 || proto == 33 || proto == 132 || proto == 136;
}

/* The ports, or the identifier of an ICMP echo; nothing where the header is cut short. */
static AVAIL_INLINE void avail_read_ports(const u8 *p, const u8 *end, struct avail_tuple *t)
{
	u8 request = t->family == 4 ? 8 : 128, reply = t->family == 4 ? 0 : 129;

	if (avail_has_ports(t->proto)) {
		if (AVAIL_SHORT(p, 4, end))
			return;
		t->sport = avail_load16(p);
		t->dport = avail_load16(p + 2);
		t->has_ports = 1;
	} else if (t->proto == (t->family == 4 ? 1 : 58)) {
		if (AVAIL_SHORT(p, 8, end) || (p[0] != request && p[0] != reply))
			return;
		t->sport = avail_load16(p + 4);
		t->dport = t->sport;
		t->echo = 1;
	}
}

/* Reads an IPv4 header; its length in bytes, at least 20, or 0 if there is none. */
static AVAIL_INLINE u32 avail_read_ip4(const u8 *p, const u8 *end, struct avail_tuple *t)
{
	u32 length, fragment;

	if (AVAIL_SHORT(p, 20, end))
		return 0;
	length = (p[0] & 15u) * 4;
	if (p[0] >> 4 != 4 || length < 20)
		return 0;
	t->family = 4;
	t->proto = p[9];
	t->saddr[0] = avail_load32(p + 12);
	t->daddr[0] = avail_load32(p + 16);
	fragment = AVAIL_BE16(avail_load16(p + 6));
	if (fragment & 0x1fff)
		t->fragment = AVAIL_LATER_FRAGMENT;
	else if (fragment & 0x2000)
		t->fragment = AVAIL_FIRST_FRAGMENT;
	return length;
}

static AVAIL_INLINE int avail_parse_ip4(const u8 *p, const u8 *end, struct avail_tuple *t)
{
	u32 length = avail_read_ip4(p, end, t);
	u8 type;

	if (!length || AVAIL_SHORT(p, length, end))
		return AVAIL_MALFORMED;
	if (t->fragment)
		return 0;
	p += length;
	if (t->proto != 1) {
		avail_read_ports(p, end, t);
		return 0;
	}
	/* Without its type, nobody knows whose addresses count. */
	if (AVAIL_SHORT(p, 8, end))
		return AVAIL_MALFORMED;
	type = p[0];
	if (type != 3 && type != 4 && type != 5 && type != 11 && type != 12) {
		avail_read_ports(p, end, t);
		return 0;
	}
	p += 8;
	length = avail_read_ip4(p, end, t);
	if (!length)
		return AVAIL_MALFORMED;
	t->quoted = 1;
	/* A quotation may stop anywhere behind the fixed header. */
	if (t->fragment != AVAIL_LATER_FRAGMENT && !AVAIL_SHORT(p, length, end))
		avail_read_ports(p + length, end, t);
	avail_swap_ends(t);
	return 0;
}

/* Reads a fixed IPv6 header; whether there is one. */
static AVAIL_INLINE int avail_read_ip6(const u8 *p, const u8 *end, struct avail_tuple *t)
{
	if (AVAIL_SHORT(p, 40, end) || p[0] >> 4 != 6)
		return 0;
	t->family = 6;
	t->proto = p[6];
	avail_load_address6(t->saddr, p + 8);
	avail_load_address6(t->daddr, p + 24);
	return 1;
}

/* Hop-by-hop 0, routing 43, fragment 44, authentication 51, destinations 60, mobility 135. */
static AVAIL_INLINE int avail_is_extension(u32 header)
{
	const u64 low = 1ull << 0 | 1ull << 43 | 1ull << 44 | 1ull << 51 | 1ull << 60;

	return header < 64 ? (int)(low >> header & 1) : header == 135;
}

/*
 * The cursor behind the extension headers, t->proto being what follows; 0 where they are cut short
 * or too many. A fragment that is not atomic ends the walk.
 */
static AVAIL_INLINE const u8 *avail_skip_extensions(const u8 *p, const u8 *end,
						    struct avail_tuple *t)
{
	u32 header = t->proto, i;

#ifdef __bpf__
#pragma unroll
#endif
	for (i = 0; i < AVAIL_EXTENSIONS_MAX; i++) {
		u32 length;

		if (!avail_is_extension(header))
			break;
		if (AVAIL_SHORT(p, 8, end))
			return AVAIL_NOWHERE;
		if (header == 44) {
			u32 fragment = AVAIL_BE16(avail_load16(p + 2));

			if (fragment & 0xfff9) {
				t->fragment = fragment & 0xfff8 ? AVAIL_LATER_FRAGMENT :
								  AVAIL_FIRST_FRAGMENT;
				t->proto = p[0];
				return p;
			}
			length = 8;
		} else if (header == 51) {
			length = (p[1] + 2u) * 4;
		} else {
			length = (p[1] + 1u) * 8;
		}
		header = p[0];
		t->proto = (u8)header;
		length = avail_forget(length, p);
		if (AVAIL_SHORT(p, length, end))
			return AVAIL_NOWHERE;
		p += length;
	}
	return avail_is_extension(header) ? AVAIL_NOWHERE : p;
}

static AVAIL_INLINE int avail_parse_ip6(const u8 *p, const u8 *end, struct avail_tuple *t)
{
	u8 type;

	if (!avail_read_ip6(p, end, t))
		return AVAIL_MALFORMED;
	p = avail_skip_extensions(p + 40, end, t);
	if (!p)
		return AVAIL_MALFORMED;
	if (t->fragment)
		return 0;
	if (t->proto != 58) {
		avail_read_ports(p, end, t);
		return 0;
	}
	if (AVAIL_SHORT(p, 8, end))
		return AVAIL_MALFORMED;
	type = p[0];
	if (type >= 133 && type <= 137)
		return AVAIL_NDP;
	if (type < 1 || type > 4) {
		avail_read_ports(p, end, t);
		return 0;
	}
	p += 8;
	if (!avail_read_ip6(p, end, t))
		return AVAIL_MALFORMED;
	t->quoted = 1;
	p = avail_skip_extensions(p + 40, end, t);
	if (p && !t->fragment)
		avail_read_ports(p, end, t);
	avail_swap_ends(t);
	return 0;
}

/*
 * Reads the packet at l3; ethertype in host order. 0, or AVAIL_MALFORMED, AVAIL_NDP, AVAIL_ARP,
 * AVAIL_OTHER. A transport header that is cut short leaves has_ports at 0: the addresses suffice.
 */
static AVAIL_INLINE int avail_parse_l3(const u8 *l3, const u8 *end, u16 ethertype,
				       struct avail_tuple *t)
{
	/* No memset(): for a function that gets its address, gcc would keep the tuple in memory. */
	*t = (struct avail_tuple){};
	if (ethertype == AVAIL_ETHERTYPE_IP4)
		return avail_parse_ip4(l3, end, t);
	if (ethertype == AVAIL_ETHERTYPE_IP6)
		return avail_parse_ip6(l3, end, t);
	return ethertype == AVAIL_ETHERTYPE_ARP ? AVAIL_ARP : AVAIL_OTHER;
}

/*
 * The payload of an Ethernet frame behind at most two VLAN tags, and its ethertype in host order;
 * 0 where the frame is cut short.
 */
static AVAIL_INLINE const u8 *avail_skip_ethernet(const u8 *p, const u8 *end, u16 *ethertype)
{
	u16 type;
	int i;

	if (AVAIL_SHORT(p, 14, end))
		return AVAIL_NOWHERE;
	type = AVAIL_BE16(avail_load16(p + 12));
	p += 14;
#ifdef __bpf__
#pragma unroll
#endif
	for (i = 0; i < 2; i++) {
		if (type != AVAIL_ETHERTYPE_VLAN && type != AVAIL_ETHERTYPE_QINQ)
			break;
		if (AVAIL_SHORT(p, 4, end))
			return AVAIL_NOWHERE;
		type = AVAIL_BE16(avail_load16(p + 2));
		p += 4;
	}
	*ethertype = type;
	return p;
}

/* The bucket of an Ethernet frame, or a negative verdict (enum avail_verdict). */
static AVAIL_INLINE int avail_bucket_of_frame(const u8 *frame, const u8 *end,
					      const volatile struct avail_hash_config *c,
					      struct avail_tuple *t)
{
	const u8 *l3;
	u16 ethertype;
	int verdict;

	l3 = avail_skip_ethernet(frame, end, &ethertype);
	if (!l3)
		return AVAIL_MALFORMED;
	/* Each family on its own: clang then keeps the tuple in registers. */
	if (ethertype == AVAIL_ETHERTYPE_IP4) {
		verdict = avail_parse_l3(l3, end, AVAIL_ETHERTYPE_IP4, t);
		return verdict ? verdict : avail_bucket_of_tuple(t, c);
	}
	verdict = avail_parse_l3(l3, end, ethertype, t);
	return verdict ? verdict : avail_bucket_of_tuple(t, c);
}

#endif
