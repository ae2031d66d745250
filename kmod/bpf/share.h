/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs know of the share that they are attached to. It lies in .rodata and is frozen
 * before they are loaded, so the verifier takes it as constant and removes what it rules out.
 * lib/host/share_rodata.ts writes it; a test compares the offsets.
 */
#ifndef AVAIL_BPF_SHARE_H
#define AVAIL_BPF_SHARE_H

#include "../bucket.h"

#define AVAIL_SHARED_MAX	32	/* shared addresses of each family */

struct avail_share {
	struct avail_hash_config hash;
	u8 cluster_mac[6];
	u8 node_mac[6];
	u32 mark_mask;		/* 0: the packet mark is left alone */
	u32 mark_shift;		/* place of the mask's lowest bit */
	u32 shared4_count;
	u32 shared6_count;
	u32 shared4[AVAIL_SHARED_MAX];		/* as loaded */
	u32 shared6[AVAIL_SHARED_MAX][4];	/* as loaded */
	/* Only so that two configurations can be told apart by comparing bytes: */
	u32 ifindex;
	u32 without_xdp;	/* 1: steer_ingress was asked for */
	u8 build[16];		/* digest of the object that the programs came from */
};

#endif
