// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What becomes of a frame that the lower device has received:
 *
 *	to the cluster MAC	IP goes by its bucket, then by the lease; ARP and NDP are taken
 *	broadcast, multicast	taken if it asks for an address of the device
 *	a peer's ARP or NDP	dropped, if in the name of such an address: see neighbour.h
 *	all else		is the lower device's
 *
 * What is taken continues as if the device had received it. A frame to the cluster MAC becomes
 * PACKET_HOST: as PACKET_MULTICAST it would be neither forwarded nor seen by TCP.
 *
 * ARP and NDP are taken by every node and without a lease, since each has to learn the neighbours;
 * transmit.c keeps the answers back.
 */
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <net/addrconf.h>
#include "device.h"

/* neighbour.h knows a share by its device. */
typedef struct cd_dev avail_place;

static __always_inline const volatile u8 *avail_place_mac(const avail_place *cd)
{
	return cd->mac;
}

static __always_inline int avail_place_has4(const avail_place *cd, u32 addr)
{
	return cd_has_address4(cd->dev, addr);
}

static __always_inline int avail_place_has6(const avail_place *cd, const u32 *addr)
{
	return cd_has_address6(cd->dev, addr);
}

#include "neighbour.h"

/* As far as the parser can have to look, generously. */
#define CD_HEADERS_MAX		512

/* Beside the buckets and verdicts of bucket.h: sent to a multicast group, which no node owns. */
#define CD_TO_GROUP		(-100)

bool cd_has_address4(const struct net_device *dev, u32 addr)
{
	const struct in_device *in_dev = __in_dev_get_rcu(dev);
	const struct in_ifaddr *ifa;

	if (in_dev)
		in_dev_for_each_ifa_rcu(ifa, in_dev)
			if (ifa->ifa_local == (__force __be32)addr)
				return true;
	return false;
}

bool cd_has_address6(const struct net_device *dev, const u32 addr[4])
{
#if IS_ENABLED(CONFIG_IPV6)
	/* strict: global addresses of other devices do not count */
	return ipv6_chk_addr(dev_net(dev), (const struct in6_addr *)addr, dev, 1);
#else
	return false;
#endif
}

/* All but IPv4 without a tag. A tag that is left here is the second one. */
static noinline int cd_bucket_of_others(const struct cd_config *c, const u8 *frame, const u8 *l3,
					const u8 *end, u16 ethertype)
{
	struct avail_tuple tuple;
	int verdict;

	if (unlikely(ethertype == AVAIL_ETHERTYPE_VLAN || ethertype == AVAIL_ETHERTYPE_QINQ)) {
		l3 = avail_skip_ethernet(frame, end, &ethertype);
		if (!l3)
			return AVAIL_MALFORMED;
	}
	if (ethertype == AVAIL_ETHERTYPE_IP6) {
		verdict = avail_parse_l3(l3, end, AVAIL_ETHERTYPE_IP6, &tuple);
		return verdict ? verdict : avail_bucket_of_tuple(&tuple, &c->hash);
	}
	verdict = avail_parse_l3(l3, end, ethertype, &tuple);
	if (!verdict && ipv4_is_multicast((__force __be32)tuple.daddr[0]))
		return CD_TO_GROUP;
	return verdict ? verdict : avail_bucket_of_tuple(&tuple, &c->hash);
}

/*
 * A bucket, a verdict of bucket.h, or CD_TO_GROUP. frame: the Ethernet header; l3: behind it.
 * With nothing but IPv4 here, the tuple lives in registers.
 */
static __always_inline int cd_bucket(const struct cd_config *c, const u8 *frame, const u8 *l3,
				     const u8 *end, u16 ethertype)
{
	struct avail_tuple tuple;
	int verdict;

	if (unlikely(ethertype != AVAIL_ETHERTYPE_IP4))
		return cd_bucket_of_others(c, frame, l3, end, ethertype);
	verdict = avail_parse_l3(l3, end, AVAIL_ETHERTYPE_IP4, &tuple);
	if (unlikely(verdict))
		return verdict;
	/* The cluster MAC is that of an IPv4 group, too, which each node has joined. */
	if (unlikely(ipv4_is_multicast((__force __be32)tuple.daddr[0])))
		return CD_TO_GROUP;
	return avail_bucket_of_tuple(&tuple, &c->hash);
}

/* Headers that may lie in fragments are copied together. */
static noinline int cd_bucket_of_fragments(const struct cd_config *c, const struct sk_buff *skb)
{
	unsigned int length = min_t(unsigned int, skb->len, CD_HEADERS_MAX);
	u8 frame[ETH_HLEN + CD_HEADERS_MAX];

	memcpy(frame, skb_mac_header(skb), ETH_HLEN);
	if (skb_copy_bits(skb, 0, frame + ETH_HLEN, length))
		return AVAIL_MALFORMED;
	return cd_bucket(c, frame, frame + ETH_HLEN, frame + ETH_HLEN + length,
			 ntohs(skb->protocol));
}

static __always_inline int cd_bucket_of_skb(const struct cd_config *c, const struct sk_buff *skb)
{
	unsigned int linear = skb_headlen(skb);

	if (unlikely(skb_is_nonlinear(skb) && linear < CD_HEADERS_MAX))
		return cd_bucket_of_fragments(c, skb);
	return cd_bucket(c, skb_mac_header(skb), skb->data, skb->data + linear,
			 ntohs(skb->protocol));
}

/* Whether ARP or NDP comes from a peer. What it needs is made linear. */
static noinline bool cd_is_from_peer(const struct cd_dev *cd, struct sk_buff *skb)
{
	u8 message[40 + 24 + AVAIL_NDP_OPTION_BYTES];
	unsigned int length = min_t(unsigned int, skb->len, sizeof(message));

	if (skb_copy_bits(skb, 0, message, length))
		return false;
	return avail_is_peers_neighbour_message(message, message + length, ntohs(skb->protocol), cd);
}

/* The frame continues as one that the device received. */
static rx_handler_result_t cd_take(const struct cd_dev *cd, struct sk_buff **pskb, bool is_for_us)
{
	struct sk_buff *skb = skb_share_check(*pskb, GFP_ATOMIC);

	*pskb = skb;
	if (unlikely(!skb)) {
		cd_count(cd, CD_NO_MEMORY);
		return RX_HANDLER_CONSUMED;
	}
	cd_count_bytes(cd, CD_ACCEPTED, CD_ACCEPTED_BYTES, skb->len + ETH_HLEN);
	skb->dev = cd->dev;
	if (is_for_us)
		skb->pkt_type = PACKET_HOST;
	return RX_HANDLER_ANOTHER;
}

/*
 * A frame to the cluster MAC; a negative bucket: none. Not inlined: what it needs is not to burden the
 * way of the frames that are refused.
 */
static noinline rx_handler_result_t cd_take_own(const struct cd_dev *cd, const struct cd_config *c,
						struct sk_buff **pskb, int bucket)
{
	rx_handler_result_t result = cd_take(cd, pskb, true);
	struct sk_buff *skb = *pskb;

	if (likely(bucket >= 0 && skb)) {
		cd_count_load(c->state, bucket, skb->len + ETH_HLEN);
		if (c->mark_mask)
			skb->mark = (skb->mark & ~c->mark_mask) |
				    ((0x100u | (u32)bucket) << c->mark_shift);
	}
	return result;
}

/* Frames of other nodes are the usual case, and no reason for an alarm in drop monitors. */
static rx_handler_result_t cd_refuse(const struct cd_dev *cd, struct sk_buff *skb,
				     enum cd_count reason)
{
	cd_count(cd, reason);
	if (reason == CD_MALFORMED)
		kfree_skb(skb);
	else
		consume_skb(skb);
	return RX_HANDLER_CONSUMED;
}

static rx_handler_result_t cd_judge(const struct cd_dev *cd, struct sk_buff **pskb)
{
	const struct cd_config *c = rcu_dereference(cd->config);
	struct sk_buff *skb = *pskb;
	int bucket = cd_bucket_of_skb(c, skb);

	if (likely(bucket >= 0)) {
		if (!cd_owns(c, bucket))
			return cd_refuse(cd, skb, CD_NOT_OWNED);
		if (unlikely(!cd_has_lease(c)))
			return cd_refuse(cd, skb, CD_LEASE_EXPIRED);
	} else if (bucket == AVAIL_ARP || bucket == AVAIL_NDP) {
		if (cd_is_from_peer(cd, skb))
			return cd_refuse(cd, skb, CD_NEIGHBOUR);
	} else if (bucket == CD_TO_GROUP) {
		return RX_HANDLER_PASS;
	} else {
		/* AVAIL_FRAGMENT_TO_NAT too: taken here, every node would answer it. */
		return cd_refuse(cd, skb, CD_MALFORMED);
	}
	return cd_take_own(cd, c, pskb, bucket);
}

/*
 * Requests
 */

static bool cd_asks4(const struct cd_dev *cd, const struct sk_buff *skb)
{
	u8 buffer[AVAIL_ARP_BYTES];
	const u8 *arp = skb_header_pointer(skb, 0, sizeof(buffer), buffer);

	return arp && avail_load16(arp + 2) == (__force u16)htons(ETH_P_IP) &&
	       avail_load16(arp + 6) == (__force u16)htons(ARPOP_REQUEST) &&
	       cd_has_address4(cd->dev, avail_load32(arp + 24));
}

/* A solicitation of one of the device's addresses. */
static bool cd_asks6(const struct cd_dev *cd, const struct sk_buff *skb)
{
	u8 buffer[40 + 24];
	const u8 *p = skb_header_pointer(skb, 0, sizeof(buffer), buffer);
	u32 target[4];

	if (!p || p[6] != IPPROTO_ICMPV6 || p[40] != AVAIL_SOLICITATION)
		return false;
	avail_load_address6(target, p + 48);
	return cd_has_address6(cd->dev, target);
}

static bool cd_is_router_solicitation(const struct sk_buff *skb)
{
	u8 buffer[41];
	const u8 *p = skb_header_pointer(skb, 0, sizeof(buffer), buffer);

	return p && p[6] == IPPROTO_ICMPV6 && p[40] == AVAIL_ROUTER_SOLICITATION;
}

/* Routers are asked for by nobody's address: the device and the lower one may both be meant. */
static void cd_copy(const struct cd_dev *cd, struct sk_buff *skb)
{
	struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

	if (!copy) {
		cd_count(cd, CD_NO_MEMORY);
		return;
	}
	cd_count_bytes(cd, CD_ACCEPTED, CD_ACCEPTED_BYTES, copy->len + ETH_HLEN);
	copy->dev = cd->dev;
	netif_rx(copy);
}

static noinline rx_handler_result_t cd_receive_group(const struct cd_port *port,
						     struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	bool is_arp = skb->protocol == htons(ETH_P_ARP);
	const struct cd_dev *cd;

	if (skb_vlan_tag_present(skb) && skb_vlan_tag_get_id(skb))
		return RX_HANDLER_PASS;
	list_for_each_entry_rcu(cd, &port->devices, list) {
		if (!(READ_ONCE(cd->dev->flags) & IFF_UP))
			continue;
		if (cd_is_from_peer(cd, skb))
			return cd_refuse(cd, skb, CD_NEIGHBOUR);
		if (is_arp ? cd_asks4(cd, skb) : cd_asks6(cd, skb))
			return cd_take(cd, pskb, false);
		if (!is_arp && cd_is_router_solicitation(skb))
			cd_copy(cd, skb);
	}
	return RX_HANDLER_PASS;
}

/* Of a lower device; under rcu_read_lock(), in a softirq. */
rx_handler_result_t cd_receive(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	const struct cd_port *port = rcu_dereference(skb->dev->rx_handler_data);
	const struct ethhdr *eth = eth_hdr(skb);
	const struct cd_dev *cd;

	if (unlikely(skb->pkt_type == PACKET_LOOPBACK))
		return RX_HANDLER_PASS;
	list_for_each_entry_rcu(cd, &port->devices, list)
		if (ether_addr_equal_64bits(eth->h_dest, cd->mac) &&
		    READ_ONCE(cd->dev->flags) & IFF_UP)
			return cd_judge(cd, pskb);
	if (is_multicast_ether_addr(eth->h_dest) &&
	    (skb->protocol == htons(ETH_P_ARP) || skb->protocol == htons(ETH_P_IPV6)))
		return cd_receive_group(port, pskb);
	return RX_HANDLER_PASS;
}
