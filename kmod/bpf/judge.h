/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a received frame. */
#ifndef AVAIL_BPF_JUDGE_H
#define AVAIL_BPF_JUDGE_H

enum avail_decision {
	AVAIL_LEAVE,	/* none of the share's business */
	AVAIL_TAKE,	/* for the shared addresses, and this node's */
	AVAIL_REFUSE,
};

struct avail_judgement {
	int verdict;	/* enum avail_decision */
	int bucket;	/* with AVAIL_TAKE: negative for ARP and NDP */
};

static AVAIL_INLINE struct avail_judgement avail_refuse(u32 reason)
{
	avail_count(reason);
	return (struct avail_judgement){ AVAIL_REFUSE, -1 };
}

/*
 * The cluster MAC stands for a multicast group as well: what is sent to the group itself, such as
 * the queries of a snooping switch, is answered by every node's own kernel.
 */
static AVAIL_INLINE int avail_is_to_group(const struct avail_tuple *t)
{
	return t->family == 4 && (AVAIL_LE32(t->daddr[0]) & 0xf0) == 0xe0;
}

/* bytes: of the whole frame, of which `end` may be before the end. */
static AVAIL_INLINE struct avail_judgement avail_judge(const u8 *frame, const u8 *end, u32 bytes)
{
	struct avail_tuple tuple;
	int bucket;

	if (AVAIL_SHORT(frame, 14, end))
		return (struct avail_judgement){ AVAIL_LEAVE, -1 };
	if (!avail_is_mac(frame, share.cluster_mac)) {
		if ((frame[0] & 1) && avail_is_from_peer(frame, end))
			return avail_refuse(AVAIL_COUNT_NEIGHBOUR);
		return (struct avail_judgement){ AVAIL_LEAVE, -1 };
	}
	bucket = avail_bucket_of_frame(frame, end, &share.hash, &tuple);
	if (bucket >= 0) {
		if (avail_is_to_group(&tuple))
			return (struct avail_judgement){ AVAIL_LEAVE, -1 };
		if (!avail_owns(bucket))
			return avail_refuse(AVAIL_COUNT_NOT_OWNED);
		if (!avail_has_lease())
			return avail_refuse(AVAIL_COUNT_LEASE_EXPIRED);
		avail_count_load(bucket, bytes);
	} else if (bucket == AVAIL_ARP || bucket == AVAIL_NDP) {
		/* Every node hears questions and answers, and so learns the neighbours. */
		if (avail_is_from_peer(frame, end))
			return avail_refuse(AVAIL_COUNT_NEIGHBOUR);
	} else {
		/* AVAIL_FRAGMENT_TO_NAT too: taken here, every node would answer it. */
		return avail_refuse(AVAIL_COUNT_MALFORMED);
	}
	avail_count(AVAIL_COUNT_ACCEPTED);
	return (struct avail_judgement){ AVAIL_TAKE, bucket };
}

#endif
