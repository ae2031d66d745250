/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ARP (RFC 826) and NDP (RFC 4861) that peers send in the name of a shared address: their
 * announcements and questions, which carry the cluster MAC, and probes for a duplicate (no sender
 * yet), which nobody is to defend against. All nodes hold these addresses, so no node may listen.
 *
 * A stranger who uses a shared address is not a peer: that must be seen.
 *
 * One source for the BPF programs and the kernel module. Needs, besides bucket.h, from the includer:
 * the type avail_place, and
 *
 *	const volatile u8 *avail_place_mac(const avail_place *)		the cluster MAC
 *	int avail_place_has4(const avail_place *, u32 addr)		a shared address?
 *	int avail_place_has6(const avail_place *, const u32 *addr)
 */
#ifndef AVAIL_NEIGHBOUR_H
#define AVAIL_NEIGHBOUR_H

#define AVAIL_ARP_BYTES		28
#define AVAIL_NDP_OPTION_BYTES	8	/* type, length in eights, MAC */

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

/* arp: AVAIL_ARP_BYTES of ARP for IPv4 over Ethernet */
static AVAIL_INLINE int avail_is_peers_arp(const u8 *arp, const avail_place *place)
{
	u32 sender = avail_load32(arp + 14), target = avail_load32(arp + 24);

	if (!sender)
		return avail_place_has4(place, target);
	return avail_is_mac(arp + 8, avail_place_mac(place)) && avail_place_has4(place, sender);
}

/* p: an IPv6 header, with ICMPv6 and a first option behind it where `end` allows */
static AVAIL_INLINE int avail_is_peers_ndp(const u8 *p, const u8 *end, const avail_place *place)
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
			return avail_place_has6(place, target);
		if (!avail_place_has6(place, source))
			return 0;
	} else if (message[0] == AVAIL_ADVERTISEMENT) {
		if (!avail_place_has6(place, target))
			return 0;
		wanted = AVAIL_OPTION_TARGET;
	} else {
		return 0;
	}
	return !AVAIL_SHORT(option, AVAIL_NDP_OPTION_BYTES, end) && option[0] == wanted &&
	       avail_is_mac(option + 2, avail_place_mac(place));
}

/* l3: behind the Ethernet header and its tags; ethertype in host order */
static AVAIL_INLINE int avail_is_peers_neighbour_message(const u8 *l3, const u8 *end,
							 u16 ethertype, const avail_place *place)
{
	if (ethertype == AVAIL_ETHERTYPE_ARP)
		return !AVAIL_SHORT(l3, AVAIL_ARP_BYTES, end) && avail_is_peers_arp(l3, place);
	return ethertype == AVAIL_ETHERTYPE_IP6 && avail_is_peers_ndp(l3, end, place);
}

#endif
