/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the BPF programs need of the kernel: types, helper functions by their numbers, and how maps
 * and programs are declared. Stands in for libbpf's headers, of which nothing else would be used.
 */
#ifndef AVAIL_BPF_KERNEL_H
#define AVAIL_BPF_KERNEL_H

#include <linux/bpf.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define AVAIL_INLINE	inline __attribute__((always_inline))
#define SEC(name)	__attribute__((section(name), used))

/* A map as kmod/bpf/pack.ts reads it from the object: plain numbers, no BTF. */
struct avail_map {
	u32 type, key_bytes, value_bytes, entries, flags;
};

static void *(*bpf_map_lookup_elem)(const void *map, const void *key) =
	(void *)BPF_FUNC_map_lookup_elem;
static u64 (*bpf_ktime_get_boot_ns)(void) = (void *)BPF_FUNC_ktime_get_boot_ns;
static long (*bpf_skb_load_bytes)(const void *skb, u32 offset, void *to, u32 bytes) =
	(void *)BPF_FUNC_skb_load_bytes;
static long (*bpf_skb_store_bytes)(void *skb, u32 offset, const void *from, u32 bytes,
				   u64 flags) = (void *)BPF_FUNC_skb_store_bytes;
static long (*bpf_skb_pull_data)(void *skb, u32 bytes) = (void *)BPF_FUNC_skb_pull_data;
static long (*bpf_skb_change_type)(void *skb, u32 type) = (void *)BPF_FUNC_skb_change_type;
static long (*bpf_csum_diff)(const void *from, u32 from_bytes, const void *to, u32 to_bytes,
			     u32 seed) = (void *)BPF_FUNC_csum_diff;
static long (*bpf_l4_csum_replace)(void *skb, u32 offset, u64 from, u64 to, u64 flags) =
	(void *)BPF_FUNC_l4_csum_replace;

/* linux/if_packet.h, linux/bpf.h (TCX_NEXT and TCX_DROP are newer than some systems' headers) */
#define AVAIL_PACKET_HOST	0
#define AVAIL_TCX_NEXT		(-1)
#define AVAIL_TCX_DROP		2

#endif
