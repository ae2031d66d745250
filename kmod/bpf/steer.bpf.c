// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The xdp datapath: four programs on the interface of a share.
 *
 *                 native XDP                            no native XDP
 *   wire in  ->   steer_xdp  ->  steer_behind_xdp       steer_ingress   -> kernel
 *   wire out <-   steer_egress                          steer_egress    <- kernel
 *
 * In: frames to the cluster MAC are judged by their bucket, then by the lease. Out: whatever tells a
 * neighbour the link address of a shared address tells the cluster MAC, and once the lease has run
 * out nothing leaves in the cluster's name.
 */
#include "kernel.h"
#include "share.h"
#include "../state.h"

const volatile struct avail_share share SEC(".rodata") = {};

/* Reached by its address, without a look-up; user space maps it. */
volatile struct avail_state state SEC("shared") = {};

struct avail_map counts SEC("maps") = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.key_bytes = sizeof(u32),
	.value_bytes = sizeof(u64),
	.entries = AVAIL_COUNTS,
};

/* One element: one look-up finds any bucket's counters, side by side in one cache line. */
struct avail_map loads SEC("maps") = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.key_bytes = sizeof(u32),
	.value_bytes = sizeof(struct avail_load),
	.entries = 1,
};

#include "permission.h"
#include "neighbour.h"
#include "judge.h"
#include "fence.h"

SEC("xdp")
int steer_xdp(struct xdp_md *ctx)
{
	u8 *frame = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct avail_judgement j = avail_judge(frame, end, end - frame);
	int i;

	if (j.verdict == AVAIL_REFUSE)
		return XDP_DROP;
	if (j.verdict == AVAIL_TAKE && !AVAIL_SHORT(frame, 6, end))
		for (i = 0; i < 6; i++)
			frame[i] = share.node_mac[i];
	return XDP_PASS;
}

/* A field of nine bits: valid, and the bucket. */
static AVAIL_INLINE void avail_set_mark(struct __sk_buff *skb, int bucket)
{
	u32 mask = share.mark_mask;

	if (mask && bucket >= 0)
		skb->mark = (skb->mark & ~mask) |
			    ((0x100u | (u32)bucket) << share.mark_shift & mask);
}

/*
 * Behind steer_xdp, which can neither mark a packet nor change its type: veth keeps the type that the
 * frame came with, MULTICAST, and the kernel neither forwards such packets nor lets TCP see them.
 */
SEC("tc/behind_xdp")
int steer_behind_xdp(struct __sk_buff *skb)
{
	u8 *frame = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct avail_tuple tuple;
	int bucket;

	if (skb->vlan_present || AVAIL_SHORT(frame, 14, end) ||
	    !avail_is_mac(frame, share.node_mac))
		return AVAIL_TCX_NEXT;
	if (share.mark_mask) {
		bucket = avail_bucket_of_frame(frame, end, &share.hash, &tuple);
		/* What came to the node's own MAC without being judged stays unmarked. */
		if (bucket >= 0 && avail_owns(bucket))
			avail_set_mark(skb, bucket);
	}
	if (skb->pkt_type != AVAIL_PACKET_HOST)
		bpf_skb_change_type(skb, AVAIL_PACKET_HOST);
	return AVAIL_TCX_NEXT;
}

#define AVAIL_HEADERS_MAX	512	/* as far as the parser can have to look, generously */

SEC("tc/ingress")
int steer_ingress(struct __sk_buff *skb)
{
	u32 wanted = skb->len < AVAIL_HEADERS_MAX ? skb->len : AVAIL_HEADERS_MAX;
	struct avail_judgement j;

	/* A tagged frame belongs to a VLAN device, which may be a share of its own. */
	if (skb->vlan_present)
		return AVAIL_TCX_NEXT;
	if (skb->data_end - skb->data < wanted)
		bpf_skb_pull_data(skb, wanted);
	j = avail_judge((void *)(long)skb->data, (void *)(long)skb->data_end, skb->len);
	if (j.verdict == AVAIL_REFUSE)
		return AVAIL_TCX_DROP;
	if (j.verdict == AVAIL_TAKE) {
		avail_set_mark(skb, j.bucket);
		bpf_skb_change_type(skb, AVAIL_PACKET_HOST);
	}
	return AVAIL_TCX_NEXT;
}

SEC("tc/egress")
int steer_egress(struct __sk_buff *skb)
{
	if (skb->vlan_present)
		return AVAIL_TCX_NEXT;
	switch (AVAIL_BE16(skb->protocol)) {
	case AVAIL_ETHERTYPE_ARP:
		return avail_send_arp(skb);
	case AVAIL_ETHERTYPE_IP6:
		if (avail_is_ndp(skb))
			return avail_send_ndp(skb);
		return avail_fence(skb, 6);
	case AVAIL_ETHERTYPE_IP4:
		return avail_fence(skb, 4);
	}
	return AVAIL_TCX_NEXT;
}
