/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether this node may act for a bucket now, and the counting of what became of frames. */
#ifndef AVAIL_BPF_PERMISSION_H
#define AVAIL_BPF_PERMISSION_H

static AVAIL_INLINE void avail_count(u32 reason)
{
	u64 *count = bpf_map_lookup_elem(&counts, &reason);

	if (count)
		(*count)++;
}

/* clang knows that a bucket is below 256 and drops the mask, which the verifier does not. */
static AVAIL_INLINE u32 avail_bounded(u32 bucket)
{
	asm volatile("" : "+r"(bucket));
	return bucket & (AVAIL_BUCKETS - 1);
}

static AVAIL_INLINE void avail_count_load(u32 bucket, u32 bytes)
{
	u32 only = 0;
	struct avail_load *load = bpf_map_lookup_elem(&loads, &only);

	if (!load)
		return;
	bucket = avail_bounded(bucket);
	load->bucket[bucket].packets++;
	load->bucket[bucket].bytes += bytes;
}

static AVAIL_INLINE int avail_owns(u32 bucket)
{
	bucket = avail_bounded(bucket);
	return state.owned[state.active & 1][bucket >> 5] >> (bucket & 31) & 1;
}

/* Costs a precise clock: asked last. */
static AVAIL_INLINE int avail_has_lease(void)
{
	return bpf_ktime_get_boot_ns() < state.lease;
}

#endif
