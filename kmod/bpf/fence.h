/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP packets on their way out. Without a lease, another node may own their buckets by now: what was
 * forwarded, and what carries a shared address as its source, stays here. The node's own traffic,
 * the heartbeats above all, goes on.
 */
#ifndef AVAIL_BPF_FENCE_H
#define AVAIL_BPF_FENCE_H

static AVAIL_INLINE int avail_is_from_shared(struct __sk_buff *skb, u8 family)
{
	u32 source[4];
	u8 proto;

	/* IGMP claims no bucket, and without it a snooping switch would forget this node. */
	if (family == 4)
		return bpf_skb_load_bytes(skb, 14 + 9, &proto, 1) == 0 && proto != 2 &&
		       bpf_skb_load_bytes(skb, 14 + 12, source, 4) == 0 &&
		       avail_is_shared4(source[0]);
	return bpf_skb_load_bytes(skb, 14 + 8, source, 16) == 0 && avail_is_shared6(source);
}

static AVAIL_INLINE int avail_fence(struct __sk_buff *skb, u8 family)
{
	if (avail_has_lease())
		return AVAIL_TCX_NEXT;
	/* A packet that was received keeps the number of the interface that it came in by. */
	if (!skb->ingress_ifindex && !avail_is_from_shared(skb, family))
		return AVAIL_TCX_NEXT;
	avail_count(AVAIL_COUNT_LEASE_EXPIRED);
	return AVAIL_TCX_DROP;
}

#endif
