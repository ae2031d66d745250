/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clusterdev: what its files share.
 *
 *	struct cd_port		one per lower device, its rx_handler_data: the devices above it
 *	  struct cd_dev		one per device, netdev_priv()
 *	    struct cd_config	RCU: how to find a frame's bucket; replaced whole
 *	      struct cd_state	reference counted: the page with lease and responsibility, which
 *				user space may have mapped, and which several devices may use
 *
 * Writers hold RTNL. Readers hold rcu_read_lock(), and take nothing else.
 */
#ifndef CLUSTERDEV_DEVICE_H
#define CLUSTERDEV_DEVICE_H

#include <linux/etherdevice.h>
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/refcount.h>
#include <linux/timekeeping.h>
#include <linux/types.h>
#include <linux/u64_stats_sync.h>
#include <net/rtnetlink.h>

#define AVAIL_INLINE	__always_inline
#include "bucket.h"
#include "state.h"
#include "clusterdev.h"

/* In the order of CLUSTERDEV_COUNT_*, from CLUSTERDEV_COUNT_ACCEPTED on. */
enum cd_count {
	CD_ACCEPTED,
	CD_NOT_OWNED,
	CD_LEASE_EXPIRED,
	CD_MALFORMED,
	CD_NEIGHBOUR,
	CD_NO_MEMORY,
	CD_SENT,
	CD_SHOWN,			/* what follows is told by ndo_get_stats64 alone */
	CD_ACCEPTED_BYTES = CD_SHOWN,
	CD_SENT_BYTES,
	CD_SEND_DROPPED,
	CD_COUNTS,
};

struct cd_counters {
	u64_stats_t value[CD_COUNTS];
	struct u64_stats_sync syncp;
};

/* As struct avail_load: packets, then bytes. */
struct cd_load {
	u64_stats_t bucket[AVAIL_BUCKETS][2];
	struct u64_stats_sync syncp;
};

struct cd_state {
	refcount_t users;		/* files and configurations */
	struct avail_state *shared;	/* a page; user space can write it at any time */
	struct cd_load __percpu *load;	/* of all devices that use the page */
};

struct cd_config {
	struct avail_hash_config hash;
	struct cd_state *state;
	u32 mark_mask;			/* 0: the packet mark is left alone */
	u32 mark_shift;
	u8 cookie[16];
	struct rcu_head rcu;
};

struct cd_dev {
	struct net_device *dev;
	struct net_device *lower;	/* held from ndo_init to ndo_uninit */
	struct cd_config __rcu *config;
	struct cd_counters __percpu *counters;
	struct list_head list;		/* cd_port.devices, RCU */
	u8 mac[8];			/* dev_addr, padded for ether_addr_equal_64bits() */
	unsigned int lower_mtu;		/* as it was when the MTU was last compared with it */
};

struct cd_port {
	struct list_head devices;
	bool is_fenced;			/* cd_fence_get() for the lower device's namespace */
	struct rcu_head rcu;
};

/* receive.c */
rx_handler_result_t cd_receive(struct sk_buff **pskb);

/* transmit.c */
netdev_tx_t cd_transmit(struct sk_buff *skb, struct net_device *dev);
extern const struct header_ops cd_header_ops;

/* device.c */
void cd_setup(struct net_device *dev);
bool cd_is_clusterdev(const struct net_device *dev);
void cd_sum_counters(const struct cd_dev *cd, u64 sums[CD_COUNTS]);

/* fence.c */
int cd_fence_get(struct net *net);
void cd_fence_put(struct net *net);
int cd_fence_register(void);
void cd_fence_unregister(void);

/* state.c */
struct cd_state *cd_state_new(void);
struct cd_state *cd_state_of_fd(int fd);
void cd_state_put(struct cd_state *state);
void cd_state_set_responsibility(struct cd_state *state, const u8 map[32]);
void cd_state_get_responsibility(const struct cd_state *state, u8 map[32]);
int cd_state_register(void);
void cd_state_unregister(void);

/* netlink.c */
extern struct rtnl_link_ops cd_link_ops;
void cd_config_free(struct cd_config *config);
bool cd_port_has_mac(const struct cd_port *port, const u8 *mac);
int cd_port_fence(struct net_device *lower, struct cd_port *port);
void cd_port_unfence(struct net_device *lower, struct cd_port *port);

/* selftest.c */
#ifdef CLUSTERDEV_DEBUG
int cd_selftest(void);
#else
static inline int cd_selftest(void) { return 0; }
#endif

/* The port of a lower device, or NULL. The caller holds rcu_read_lock() or RTNL. */
static inline struct cd_port *cd_port_of(const struct net_device *dev)
{
	if (rcu_access_pointer(dev->rx_handler) != cd_receive)
		return NULL;
	return rcu_dereference_rtnl(dev->rx_handler_data);
}

/* Preemption is off. */
static inline void cd_count(const struct cd_dev *cd, enum cd_count reason)
{
	struct cd_counters *c = this_cpu_ptr(cd->counters);

	u64_stats_update_begin(&c->syncp);
	u64_stats_inc(&c->value[reason]);
	u64_stats_update_end(&c->syncp);
}

/* Two counts at once: frames, and their bytes. */
static inline void cd_count_bytes(const struct cd_dev *cd, enum cd_count reason,
				  enum cd_count bytes, unsigned int length)
{
	struct cd_counters *c = this_cpu_ptr(cd->counters);

	u64_stats_update_begin(&c->syncp);
	u64_stats_inc(&c->value[reason]);
	u64_stats_add(&c->value[bytes], length);
	u64_stats_update_end(&c->syncp);
}

static inline void cd_count_load(const struct cd_state *state, u32 bucket, unsigned int length)
{
	struct cd_load *load = this_cpu_ptr(state->load);

	u64_stats_update_begin(&load->syncp);
	u64_stats_inc(&load->bucket[bucket][0]);
	u64_stats_add(&load->bucket[bucket][1], length);
	u64_stats_update_end(&load->syncp);
}

/* One bit of one word: whatever user space writes meanwhile, it is the old bit or the new one. */
static inline bool cd_owns(const struct cd_config *c, u32 bucket)
{
	const struct avail_state *s = c->state->shared;

	return READ_ONCE(s->owned[READ_ONCE(s->active) & 1][bucket >> 5]) >> (bucket & 31) & 1;
}

/* Costs a precise clock: asked last. */
static inline bool cd_has_lease(const struct cd_config *c)
{
	return ktime_get_boottime_ns() < READ_ONCE(c->state->shared->lease);
}

/* Addresses of the device; as loaded. The caller holds rcu_read_lock(). */
bool cd_has_address4(const struct net_device *dev, u32 addr);
bool cd_has_address6(const struct net_device *dev, const u32 addr[4]);

#endif
