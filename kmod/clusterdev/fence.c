// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What leaves by a lower device without passing the device above it: routes of the node's own lead
 * there. Without a lease another node may own those buckets, so what was forwarded, and what carries
 * an address of the device as its source, stays here; the node's own traffic goes on.
 *
 * The hooks of a network namespace are there while it has a lower device in it.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_arp.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/arp.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include "device.h"

struct cd_net {
	unsigned int lowers;		/* under RTNL */
	bool has_arp_hook;
};

static unsigned int cd_net_id __read_mostly;

/* skb->data is at the network header. */
static bool cd_is_from(const struct cd_dev *cd, const struct sk_buff *skb, u8 family)
{
	if (family == NFPROTO_IPV4)
		return ip_hdr(skb)->protocol != IPPROTO_IGMP &&
		       cd_has_address4(cd->dev, (__force u32)ip_hdr(skb)->saddr);
	return cd_has_address6(cd->dev, (const u32 *)&ipv6_hdr(skb)->saddr);
}

static unsigned int cd_fence(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct cd_port *port = cd_port_of(state->out);
	const struct cd_dev *cd, *stopped = NULL;

	if (likely(!port))
		return NF_ACCEPT;
	list_for_each_entry_rcu(cd, &port->devices, list) {
		/* A packet that was received keeps the number of the device that it came in by. */
		if (!skb->skb_iif && !cd_is_from(cd, skb, state->pf))
			continue;
		if (cd_has_lease(rcu_dereference(cd->config)))
			return NF_ACCEPT;
		stopped = cd;
	}
	if (!stopped)
		return NF_ACCEPT;
	local_bh_disable();
	cd_count(stopped, CD_LEASE_EXPIRED);
	local_bh_enable();
	return NF_DROP;
}

/*
 * A lower device without an own address would ask in the name of a shared one, with its own MAC,
 * and every neighbour would then send to this node alone.
 */
static unsigned int cd_fence_arp(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct cd_port *port = cd_port_of(state->out);
	const struct cd_dev *cd;
	u8 buffer[28];
	const u8 *arp;

	if (likely(!port))
		return NF_ACCEPT;
	arp = skb_header_pointer(skb, skb_network_offset(skb), sizeof(buffer), buffer);
	if (!arp)
		return NF_ACCEPT;
	list_for_each_entry_rcu(cd, &port->devices, list) {
		if (!cd_has_address4(cd->dev, avail_load32(arp + 14)))
			continue;
		local_bh_disable();
		cd_count(cd, CD_NEIGHBOUR);
		local_bh_enable();
		return NF_DROP;
	}
	return NF_ACCEPT;
}

static const struct nf_hook_ops cd_hooks[] = {
	{
		.hook = cd_fence,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = NF_IP_PRI_LAST,
	},
#if IS_ENABLED(CONFIG_IPV6)
	{
		.hook = cd_fence,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = NF_IP6_PRI_LAST,
	},
#endif
};

static const struct nf_hook_ops cd_arp_hook = {
	.hook = cd_fence_arp,
	.pf = NFPROTO_ARP,
	.hooknum = NF_ARP_OUT,
	.priority = NF_IP_PRI_FIRST,
};

/* One more lower device in that namespace; under RTNL. */
int cd_fence_get(struct net *net)
{
	struct cd_net *cn = net_generic(net, cd_net_id);
	int err = 0;

	if (!cn->lowers) {
		err = nf_register_net_hooks(net, cd_hooks, ARRAY_SIZE(cd_hooks));
		if (err)
			return err;
		/* Kernels without ARP tables have no such hook. */
		cn->has_arp_hook = !nf_register_net_hook(net, &cd_arp_hook);
	}
	cn->lowers++;
	return 0;
}

void cd_fence_put(struct net *net)
{
	struct cd_net *cn = net_generic(net, cd_net_id);

	if (WARN_ON_ONCE(!cn->lowers) || --cn->lowers)
		return;
	if (cn->has_arp_hook)
		nf_unregister_net_hook(net, &cd_arp_hook);
	nf_unregister_net_hooks(net, cd_hooks, ARRAY_SIZE(cd_hooks));
}

static struct pernet_operations cd_net_operations = {
	.id = &cd_net_id,
	.size = sizeof(struct cd_net),
};

int cd_fence_register(void)
{
	return register_pernet_subsys(&cd_net_operations);
}

void cd_fence_unregister(void)
{
	unregister_pernet_subsys(&cd_net_operations);
}
