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
#define AVAIL_NDP_AT		(14 + 40)
#define AVAIL_NDP_OPTIONS_MAX	16	/* of a router advertisement */

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

/* The programs know one share, in constants. */
typedef char avail_place;

static AVAIL_INLINE const volatile u8 *avail_place_mac(const avail_place *place)
{
	(void)place;
	return share.cluster_mac;
}

static AVAIL_INLINE int avail_place_has4(const avail_place *place, u32 addr)
{
	(void)place;
	return avail_is_shared4(addr);
}

static AVAIL_INLINE int avail_place_has6(const avail_place *place, const u32 *addr)
{
	(void)place;
	return avail_is_shared6(addr);
}

#include "../neighbour.h"

/*
 * Received
 */

static AVAIL_INLINE int avail_is_from_peer(const u8 *frame, const u8 *end)
{
	u16 ethertype;
	const u8 *l3 = avail_skip_ethernet(frame, end, &ethertype);

	return l3 && avail_is_peers_neighbour_message(l3, end, ethertype, 0);
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
