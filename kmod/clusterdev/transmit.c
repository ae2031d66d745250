// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the device sends leaves by the lower one, with the lower one's own MAC as its source: a
 * group address there is dropped by bridges, and one that several ports send from makes switches
 * flap.
 *
 * Nothing is sent without a lease, but for the reports of group memberships: they claim no bucket,
 * and without them a snooping switch would forget this node. Of the answers to ARP and NDP, which
 * every node's kernel makes, the one of the requester's owner goes out.
 */
#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/ipv6.h>
#include "device.h"

/* The device's own address is the cluster MAC: eth_header() would put it into the source. */
static int cd_header(struct sk_buff *skb, struct net_device *dev, unsigned short type,
		     const void *daddr, const void *saddr, unsigned int length)
{
	const struct cd_dev *cd = netdev_priv(dev);

	return eth_header(skb, dev, type, daddr, cd->lower->dev_addr, length);
}

/* No .cache: eth_header_cache() takes the source from dev_addr. */
const struct header_ops cd_header_ops = {
	.create = cd_header,
	.parse = eth_header_parse,
	.parse_protocol = eth_header_parse_protocol,
};

/* IGMP, or MLD behind its router alert. */
static bool cd_is_membership_report(const struct sk_buff *skb)
{
	u8 buffer[49];
	const u8 *p;

	if (skb->protocol == htons(ETH_P_IP)) {
		p = skb_header_pointer(skb, ETH_HLEN, sizeof(struct iphdr), buffer);
		return p && p[9] == IPPROTO_IGMP;
	}
	if (skb->protocol != htons(ETH_P_IPV6))
		return false;
	p = skb_header_pointer(skb, ETH_HLEN, sizeof(buffer), buffer);
	/* ICMPv6 130 to 132 and 143 (RFC 2710, 3810) behind a hop-by-hop header of 8 bytes */
	return p && p[6] == NEXTHDR_HOP && p[40] == NEXTHDR_ICMP && !p[41] &&
	       ((p[48] >= 130 && p[48] <= 132) || p[48] == 143);
}

/* Whether it answers a request of somebody whose address belongs to another node. */
static bool cd_is_others_answer4(const struct cd_config *c, const struct sk_buff *skb)
{
	u8 buffer[28];
	const u8 *arp = skb_header_pointer(skb, ETH_HLEN, sizeof(buffer), buffer);
	u32 requester[4] = {};

	if (!arp || avail_load16(arp + 6) != (__force u16)htons(ARPOP_REPLY))
		return false;
	requester[0] = avail_load32(arp + 24);
	/* The sender's own address: an announcement. */
	if (requester[0] == avail_load32(arp + 14))
		return false;
	return !cd_owns(c, avail_bucket_of_requester(requester, 4, &c->hash));
}

/* Neighbour and router advertisements to one host; those to a group are announcements. */
static bool cd_is_others_answer6(const struct cd_config *c, const struct sk_buff *skb)
{
	u8 buffer[41];
	const u8 *p = skb_header_pointer(skb, ETH_HLEN, sizeof(buffer), buffer);
	u32 requester[4];

	if (!p || p[6] != NEXTHDR_ICMP || (p[40] != 134 && p[40] != 136) || p[24] == 0xff)
		return false;
	avail_load_address6(requester, p + 24);
	return !cd_owns(c, avail_bucket_of_requester(requester, 6, &c->hash));
}

static netdev_tx_t cd_hold_back(const struct cd_dev *cd, struct sk_buff *skb, enum cd_count reason)
{
	cd_count(cd, reason);
	if (reason == CD_NO_MEMORY)
		kfree_skb(skb);
	else
		consume_skb(skb);
	return NETDEV_TX_OK;
}

/* Whoever wrote the Ethernet header, a packet socket say. 0, or -ENOMEM. */
static int cd_fix_source(const struct cd_dev *cd, struct sk_buff *skb)
{
	if (likely(ether_addr_equal(eth_hdr(skb)->h_source, cd->lower->dev_addr)))
		return 0;
	if (skb_cow_head(skb, 0))
		return -ENOMEM;
	skb_reset_mac_header(skb);
	ether_addr_copy(eth_hdr(skb)->h_source, cd->lower->dev_addr);
	return 0;
}

/* ndo_start_xmit: under rcu_read_lock_bh() */
netdev_tx_t cd_transmit(struct sk_buff *skb, struct net_device *dev)
{
	const struct cd_dev *cd = netdev_priv(dev);
	const struct cd_config *c = rcu_dereference_bh(cd->config);
	unsigned int length = skb->len;
	int sent;

	if (unlikely(!pskb_may_pull(skb, ETH_HLEN)))
		return cd_hold_back(cd, skb, CD_NO_MEMORY);
	skb_reset_mac_header(skb);
	if (skb->protocol == htons(ETH_P_ARP) ? cd_is_others_answer4(c, skb) :
	    skb->protocol == htons(ETH_P_IPV6) && cd_is_others_answer6(c, skb))
		return cd_hold_back(cd, skb, CD_NEIGHBOUR);
	if (unlikely(!cd_has_lease(c)) && !cd_is_membership_report(skb))
		return cd_hold_back(cd, skb, CD_LEASE_EXPIRED);
	if (unlikely(cd_fix_source(cd, skb)))
		return cd_hold_back(cd, skb, CD_NO_MEMORY);

	skb->dev = cd->lower;
	sent = dev_queue_xmit(skb);
	if (likely(net_xmit_eval(sent) == 0))
		cd_count_bytes(cd, CD_SENT, CD_SENT_BYTES, length);
	else
		cd_count(cd, CD_SEND_DROPPED);
	return NETDEV_TX_OK;
}
