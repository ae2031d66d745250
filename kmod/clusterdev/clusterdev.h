/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * clusterdev: what user space and the module say to each other. docs/clusterdev.md explains it all.
 *
 * A device is made, changed and removed over rtnetlink (RTM_NEWLINK, IFLA_INFO_KIND "clusterdev"):
 * IFLA_LINK names the lower device, IFLA_ADDRESS is the cluster MAC (a random group address until
 * it is given), and IFLA_INFO_DATA holds the attributes below. Attributes that are left out keep
 * their value; a new device starts with zeros: it owns nothing, has no lease, and so neither
 * receives nor sends.
 *
 * The lease, the responsibility and the epoch can be set in two ways. Both write the same memory:
 *
 *  - by attributes, under RTNL as all configuration of links;
 *  - without RTNL, in a page that user space maps. /dev/clusterdev gives each open file a page of
 *    its own (struct avail_state, state.h; mmap() of one page at offset 0). A device uses the page
 *    of the file whose descriptor IFLA_CLUSTERDEV_STATE_FD names; several devices may share one,
 *    and then switch together. CLUSTERDEV_IOC_ADOPT makes a file that was just opened refer to the
 *    page that a device uses already. The page lives as long as anything refers to it.
 *
 * read() of that file gives the counters of the page's devices by bucket (struct avail_load,
 * state.h: 4096 bytes from offset 0), also without RTNL.
 */
#ifndef CLUSTERDEV_H
#define CLUSTERDEV_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* IFLA_INFO_DATA. Integers are in host order unless said otherwise. */
enum {
	IFLA_CLUSTERDEV_UNSPEC,
	IFLA_CLUSTERDEV_PAD,
	IFLA_CLUSTERDEV_KEY,		/* u8: enum clusterdev_key */
	IFLA_CLUSTERDEV_SIDE,		/* u8: enum clusterdev_side, for KEY_INSIDE */
	IFLA_CLUSTERDEV_SEED,		/* u64: HalfSipHash key, the first word low; never shown */
	IFLA_CLUSTERDEV_NAT4,		/* be32: NAT address, its ports dealt in slices; 0: none */
	IFLA_CLUSTERDEV_INSIDE,		/* nested: CLUSTERDEV_PREFIX, at most 16; all anew */
	IFLA_CLUSTERDEV_MARK_MASK,	/* u32: nine adjacent bits, or 0: no mark */
	IFLA_CLUSTERDEV_RESPONSIBILITY,	/* 32 bytes: bucket b is bit b & 7 of byte b >> 3 */
	IFLA_CLUSTERDEV_LEASE,		/* u64: CLOCK_BOOTTIME in ns; deaf and mute from then */
	IFLA_CLUSTERDEV_EPOCH,		/* u64: of the responsibility; only shown */
	IFLA_CLUSTERDEV_COOKIE,		/* 16 bytes of user space's choice; shown */
	IFLA_CLUSTERDEV_STATE_FD,	/* u32: an open /dev/clusterdev; never shown */
	IFLA_CLUSTERDEV_COUNTERS,	/* nested: CLUSTERDEV_COUNT_*; only shown */
	__IFLA_CLUSTERDEV_MAX
};

#define IFLA_CLUSTERDEV_MAX (__IFLA_CLUSTERDEV_MAX - 1)

/* What is hashed; the same numbers as enum avail_key in bucket.h. */
enum clusterdev_key {
	CLUSTERDEV_KEY_SOURCE,
	CLUSTERDEV_KEY_PAIR,
	CLUSTERDEV_KEY_INSIDE,
	CLUSTERDEV_KEY_FLOW,
	__CLUSTERDEV_KEY_MAX
};

#define CLUSTERDEV_KEY_MAX (__CLUSTERDEV_KEY_MAX - 1)

enum clusterdev_side {
	CLUSTERDEV_SIDE_INSIDE,
	CLUSTERDEV_SIDE_OUTSIDE,
	__CLUSTERDEV_SIDE_MAX
};

#define CLUSTERDEV_SIDE_MAX (__CLUSTERDEV_SIDE_MAX - 1)

/* In IFLA_CLUSTERDEV_INSIDE. */
enum {
	CLUSTERDEV_PREFIX_UNSPEC,
	CLUSTERDEV_PREFIX,		/* nested: CLUSTERDEV_PREFIX_* */
	CLUSTERDEV_PREFIX_ADDRESS,	/* 4 or 16 bytes, in network order */
	CLUSTERDEV_PREFIX_LENGTH,	/* u8: bits */
	__CLUSTERDEV_PREFIX_MAX
};

#define CLUSTERDEV_PREFIX_MAX (__CLUSTERDEV_PREFIX_MAX - 1)

/* In IFLA_CLUSTERDEV_COUNTERS: u64, frames since the device was made. */
enum {
	CLUSTERDEV_COUNT_UNSPEC,
	CLUSTERDEV_COUNT_PAD,
	CLUSTERDEV_COUNT_ACCEPTED,	/* received: this node's, and what is not bucketed */
	CLUSTERDEV_COUNT_NOT_OWNED,	/* received: another node's bucket */
	CLUSTERDEV_COUNT_LEASE_EXPIRED,	/* received or to be sent without a lease */
	CLUSTERDEV_COUNT_MALFORMED,	/* received: cannot be parsed, or belongs to no bucket */
	CLUSTERDEV_COUNT_NEIGHBOUR,	/* ARP and NDP: another node answers, or a peer's message */
	CLUSTERDEV_COUNT_NO_MEMORY,	/* received or to be sent, and memory was short */
	CLUSTERDEV_COUNT_SENT,
	__CLUSTERDEV_COUNT_MAX
};

#define CLUSTERDEV_COUNT_MAX (__CLUSTERDEV_COUNT_MAX - 1)

/*
 * On a file of /dev/clusterdev: use the state of the clusterdev with this interface index in the
 * caller's network namespace. ENODEV: there is none. EBUSY: the file's page is mapped or used.
 */
#define CLUSTERDEV_IOC_ADOPT	_IOW('c', 0xcd, __u32)

#endif
