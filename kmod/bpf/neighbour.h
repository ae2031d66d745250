/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ARP (RFC 826) and NDP (RFC 4861) for the shared addresses.
 *
 * Every node holds the shared addresses, so every kernel answers a question for them. The answers
 * are all made and filtered here: one node lets its answer out, and it names the cluster MAC.
 */
#ifndef AVAIL_BPF_NEIGHBOUR_H
#define AVAIL_BPF_NEIGHBOUR_H

/* Offsets in an Ethernet frame without tags. */
#define AVAIL_ARP_AT		14
#define AVAIL_ARP_BYTES		28
#define AVAIL_NDP_AT		(14 + 40)
#define AVAIL_NDP_OPTION_BYTES	8	/* type, length in eights, MAC */
#define AVAIL_NDP_OPTIONS_MAX	16	/* of a router advertisement */

enum avail_ndp {
	AVAIL_ROUTER_SOLICITATION = 133,
	AVAIL_ROUTER_ADVERTISEMENT = 134,
	AVAIL_SOLICITATION = 135,
	AVAIL_ADVERTISEMENT = 136,
};

#define AVAIL_OPTION_SOURCE	1	/* source link-layer address */
#define AVAIL_OPTION_TARGET	2	/* target link-layer address */

static AVAIL_INLINE int avail_is_mac(const u8 *a, const volatile u8 *mac)
{
	return avail_load16(a) == *(const volatile u16 *)mac &&
	       avail_load16(a + 2) == *(const volatile u16 *)(mac + 2) &&
	       avail_load16(a + 4) == *(const volatile u16 *)(mac + 4);
}

static AVAIL_INLINE int avail_is_shared4(u32 addr)
{
	u32 i;

	for (i = 0; i < AVAIL_SHARED_MAX && i < share.shared4_count; i++)
		if (share.shared4[i] == addr)
			return 1;
	return 0;
}

static AVAIL_INLINE int avail_is_shared6(const u32 *addr)
{
	u32 i;

	for (i = 0; i < AVAIL_SHARED_MAX && i < share.shared6_count; i++)
		if (share.shared6[i][0] == addr[0] && share.shared6[i][1] == addr[1] &&
		    share.shared6[i][2] == addr[2] && share.shared6[i][3] == addr[3])
			return 1;
	return 0;
}

/*
 * Received
 */

/*
 * Sent by a peer in the name of a shared address: its announcements and its questions, which carry
 * the cluster MAC; and probes for a duplicate (no sender yet), which nobody is to defend against.
 * A stranger who uses a shared address is not a peer: that must be seen.
 */
static AVAIL_INLINE int avail_is_peers_arp(const u8 *arp)
{
	u32 sender = avail_load32(arp + 14), target = avail_load32(arp + 24);

	if (!sender)
		return avail_is_shared4(target);
	return avail_is_mac(arp + 8, share.cluster_mac) && avail_is_shared4(sender);
}

/* p: an IPv6 header, with ICMPv6 and a first option behind it where `end` allows */
static AVAIL_INLINE int avail_is_peers_ndp(const u8 *p, const u8 *end)
{
	const u8 *message = p + 40, *option = p + 64;
	u32 source[4], target[4];
	u8 wanted = AVAIL_OPTION_SOURCE;

	if (AVAIL_SHORT(p, 64, end) || p[6] != 58)
		return 0;
	avail_load_address6(source, p + 8);
	avail_load_address6(target, message + 8);
	if (message[0] == AVAIL_SOLICITATION) {
		if (!(source[0] | source[1] | source[2] | source[3]))
			return avail_is_shared6(target);
		if (!avail_is_shared6(source))
			return 0;
	} else if (message[0] == AVAIL_ADVERTISEMENT) {
		if (!avail_is_shared6(target))
			return 0;
		wanted = AVAIL_OPTION_TARGET;
	} else {
		return 0;
	}
	return !AVAIL_SHORT(option, AVAIL_NDP_OPTION_BYTES, end) && option[0] == wanted &&
	       avail_is_mac(option + 2, share.cluster_mac);
}

static AVAIL_INLINE int avail_is_peers_neighbour_message(const u8 *frame, const u8 *end)
{
	u16 ethertype;
	const u8 *l3 = avail_skip_ethernet(frame, end, &ethertype);

	if (!l3)
		return 0;
	if (ethertype == AVAIL_ETHERTYPE_ARP)
		return !AVAIL_SHORT(l3, AVAIL_ARP_BYTES, end) && avail_is_peers_arp(l3);
	return ethertype == AVAIL_ETHERTYPE_IP6 && avail_is_peers_ndp(l3, end);
}

/*
 * Sent
 */

/* Equal answers from several nodes would do no harm; but one is enough. */
static AVAIL_INLINE int avail_may_answer(const u32 *requester, u8 family)
{
	return avail_owns(avail_bucket_of_requester(requester, family, &share.hash));
}

static AVAIL_INLINE int avail_hold_back(u32 reason)
{
	avail_count(reason);
	return AVAIL_TCX_DROP;
}

static AVAIL_INLINE int avail_send_arp(struct __sk_buff *skb)
{
	u32 requester[4] = {};
	u8 arp[AVAIL_ARP_BYTES], mac[6];
	u32 sender;
	int i;

	if (bpf_skb_load_bytes(skb, AVAIL_ARP_AT, arp, sizeof(arp)))
		return AVAIL_TCX_NEXT;
	__builtin_memcpy(&sender, arp + 14, 4);
	__builtin_memcpy(&requester[0], arp + 24, 4);
	if (!avail_is_shared4(sender))
		return AVAIL_TCX_NEXT;
	/* An answer to somebody else; the rest are questions and announcements. */
	if (arp[7] == 2 && requester[0] != sender && !avail_may_answer(requester, 4))
		return avail_hold_back(AVAIL_COUNT_NEIGHBOUR);
	if (!avail_has_lease())
		return avail_hold_back(AVAIL_COUNT_LEASE_EXPIRED);
	for (i = 0; i < 6; i++)
		mac[i] = share.cluster_mac[i];
	if (bpf_skb_store_bytes(skb, AVAIL_ARP_AT + 8, mac, sizeof(mac), 0))
		return AVAIL_TCX_DROP;
	avail_count(AVAIL_COUNT_REWRITTEN);
	return AVAIL_TCX_NEXT;
}

static AVAIL_INLINE int avail_is_ndp(struct __sk_buff *skb)
{
	u8 next, type;

	return bpf_skb_load_bytes(skb, 14 + 6, &next, 1) == 0 && next == 58 &&
	       bpf_skb_load_bytes(skb, AVAIL_NDP_AT, &type, 1) == 0 &&
	       type >= AVAIL_ROUTER_SOLICITATION && type <= AVAIL_ADVERTISEMENT;
}

/* Puts the cluster MAC into the option of that type, if the message has it; 0, or an error. */
static AVAIL_INLINE int avail_rewrite_option(struct __sk_buff *skb, u32 at, u8 type)
{
	u8 old[AVAIL_NDP_OPTION_BYTES], new[AVAIL_NDP_OPTION_BYTES];
	long difference;
	int i;

	for (i = 0; i < AVAIL_NDP_OPTIONS_MAX; i++) {
		if (bpf_skb_load_bytes(skb, at, old, sizeof(old)) || !old[1])
			return 0;
		if (old[0] == type && old[1] == 1)
			goto found;
		at += old[1] * 8;
	}
	return 0;
found:
	new[0] = type;
	new[1] = 1;
	for (i = 0; i < 6; i++)
		new[2 + i] = share.cluster_mac[i];
	difference = bpf_csum_diff(old, sizeof(old), new, sizeof(new), 0);
	if (difference < 0 || bpf_skb_store_bytes(skb, at, new, sizeof(new), 0) ||
	    bpf_l4_csum_replace(skb, AVAIL_NDP_AT + 2, 0, difference, 0))
		return -1;
	avail_count(AVAIL_COUNT_REWRITTEN);
	return 0;
}

static AVAIL_INLINE int avail_send_ndp(struct __sk_buff *skb)
{
	u32 source[4], destination[4], *sender = source;
	u32 target[4] = {}, at = AVAIL_NDP_AT + 24;
	u8 type, wanted = AVAIL_OPTION_SOURCE;

	if (bpf_skb_load_bytes(skb, 14 + 8, source, 16) ||
	    bpf_skb_load_bytes(skb, 14 + 24, destination, 16) ||
	    bpf_skb_load_bytes(skb, AVAIL_NDP_AT, &type, 1))
		return AVAIL_TCX_NEXT;
	if (type == AVAIL_ADVERTISEMENT) {
		if (bpf_skb_load_bytes(skb, AVAIL_NDP_AT + 8, target, 16))
			return AVAIL_TCX_NEXT;
		sender = target;
		wanted = AVAIL_OPTION_TARGET;
	} else if (type == AVAIL_ROUTER_SOLICITATION) {
		at = AVAIL_NDP_AT + 8;
	} else if (type == AVAIL_ROUTER_ADVERTISEMENT) {
		at = AVAIL_NDP_AT + 16;
	}
	if (!avail_is_shared6(sender))
		return AVAIL_TCX_NEXT;
	/* An answer goes to the one that asked; announcements go to all. */
	if ((type == AVAIL_ADVERTISEMENT || type == AVAIL_ROUTER_ADVERTISEMENT) &&
	    *(const u8 *)destination != 0xff &&
	    !avail_may_answer(destination, 6))
		return avail_hold_back(AVAIL_COUNT_NEIGHBOUR);
	if (!avail_has_lease())
		return avail_hold_back(AVAIL_COUNT_LEASE_EXPIRED);
	return avail_rewrite_option(skb, at, wanted) ? AVAIL_TCX_DROP : AVAIL_TCX_NEXT;
}

#endif
