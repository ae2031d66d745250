/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon and the datapath share: read by the BPF programs or the kernel module, written by
 * user space (lib/host/state_page.ts); or counted there, and read by user space
 * (lib/host/bucket_load.ts). A test compares the offsets on both sides.
 *
 * Needs: u8, u32 and u64 from the includer.
 */
#ifndef AVAIL_STATE_H
#define AVAIL_STATE_H

/*
 * In memory that user space has mapped: the one element of an array map, or a page of
 * /dev/clusterdev. A switch of responsibility writes the generation that is not active, then `epoch`,
 * then `active`: no frame sees a mixture.
 */
struct avail_state {
	u64 lease;		/* CLOCK_BOOTTIME, ns: deaf and mute from then on */
	u64 active;		/* 0 or 1: the generation that counts */
	u32 owned[2][8];	/* bucket b: bit (b & 31) of word (b >> 5) */
	u64 epoch;		/* of the responsibility; told, and not looked at */
};

/*
 * Frames that were taken, and their bytes with the Ethernet header, by bucket: only counted upwards.
 * One such structure for each CPU is the value of a per-CPU map; their sum is what read(2) of
 * /dev/clusterdev gives. Both outlive the daemon as the state does.
 */
struct avail_load {
	struct {
		u64 packets;
		u64 bytes;
	} bucket[256];
};

/* Reasons, in the order of the counters' per-CPU array. */
enum avail_count {
	AVAIL_COUNT_ACCEPTED,
	AVAIL_COUNT_NOT_OWNED,
	AVAIL_COUNT_LEASE_EXPIRED,
	AVAIL_COUNT_MALFORMED,
	AVAIL_COUNT_NEIGHBOUR,	/* ARP or NDP that another node answers, or a peer's probe */
	AVAIL_COUNT_REWRITTEN,	/* ARP or NDP sent with the cluster MAC */
	AVAIL_COUNTS,
};

#endif
