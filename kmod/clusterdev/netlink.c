// SPDX-License-Identifier: GPL-2.0-or-later
/* rtnetlink: how devices are made, changed, shown and removed. See clusterdev.h. */
#include <linux/err.h>
#include <linux/if_arp.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <net/netlink.h>
#include "device.h"

static const struct nla_policy cd_policy[IFLA_CLUSTERDEV_MAX + 1] = {
	[IFLA_CLUSTERDEV_UNSPEC] = { .strict_start_type = IFLA_CLUSTERDEV_KEY },
	[IFLA_CLUSTERDEV_KEY] = NLA_POLICY_MAX(NLA_U8, CLUSTERDEV_KEY_MAX),
	[IFLA_CLUSTERDEV_SIDE] = NLA_POLICY_MAX(NLA_U8, CLUSTERDEV_SIDE_MAX),
	[IFLA_CLUSTERDEV_SEED] = { .type = NLA_U64 },
	[IFLA_CLUSTERDEV_NAT4] = { .type = NLA_U32 },
	[IFLA_CLUSTERDEV_INSIDE] = { .type = NLA_NESTED },
	[IFLA_CLUSTERDEV_MARK_MASK] = { .type = NLA_U32 },
	[IFLA_CLUSTERDEV_RESPONSIBILITY] = NLA_POLICY_EXACT_LEN(AVAIL_BUCKETS / 8),
	[IFLA_CLUSTERDEV_LEASE] = { .type = NLA_U64 },
	[IFLA_CLUSTERDEV_EPOCH] = { .type = NLA_U64 },
	[IFLA_CLUSTERDEV_COOKIE] = NLA_POLICY_EXACT_LEN(16),
	[IFLA_CLUSTERDEV_STATE_FD] = { .type = NLA_U32 },
	[IFLA_CLUSTERDEV_COUNTERS] = { .type = NLA_REJECT },
};

static const struct nla_policy cd_prefix_policy[CLUSTERDEV_PREFIX_MAX + 1] = {
	[CLUSTERDEV_PREFIX_ADDRESS] = { .type = NLA_BINARY, .len = 16 },
	[CLUSTERDEV_PREFIX_LENGTH] = NLA_POLICY_MAX(NLA_U8, 128),
};

/*
 * Configuration
 */

void cd_config_free(struct cd_config *config)
{
	if (!config)
		return;
	cd_state_put(config->state);
	kfree_sensitive(config);
}

static void cd_config_free_rcu(struct rcu_head *head)
{
	cd_config_free(container_of(head, struct cd_config, rcu));
}

static int cd_parse_prefix(struct avail_prefix *prefix, const struct nlattr *attr,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[CLUSTERDEV_PREFIX_MAX + 1];
	int err, bytes, bits, i;
	u8 address[16] = {}, mask[16] = {};

	err = nla_parse_nested(tb, CLUSTERDEV_PREFIX_MAX, attr, cd_prefix_policy, extack);
	if (err)
		return err;
	if (!tb[CLUSTERDEV_PREFIX_ADDRESS] || !tb[CLUSTERDEV_PREFIX_LENGTH]) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "an inside prefix needs an address and a length");
		return -EINVAL;
	}
	bytes = nla_len(tb[CLUSTERDEV_PREFIX_ADDRESS]);
	bits = nla_get_u8(tb[CLUSTERDEV_PREFIX_LENGTH]);
	if ((bytes != 4 && bytes != 16) || bits > 8 * bytes) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "an inside prefix is 4 bytes with up to 32 bits, or 16 with up to 128");
		return -EINVAL;
	}
	memcpy(address, nla_data(tb[CLUSTERDEV_PREFIX_ADDRESS]), bytes);
	for (i = 0; i < bits; i++)
		mask[i / 8] |= 0x80 >> i % 8;
	for (i = 0; i < 16; i++)
		address[i] &= mask[i];
	/* For IPv4 the other three words are zero, in the mask as well: they match any. */
	memcpy(prefix->addr, address, 16);
	memcpy(prefix->mask, mask, 16);
	prefix->family = bytes == 4 ? 4 : 6;
	return 0;
}

static int cd_parse_inside(struct avail_hash_config *hash, const struct nlattr *list,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *attr;
	int rest, err;

	memset(hash->inside, 0, sizeof(hash->inside));
	hash->inside_count = 0;
	nla_for_each_nested(attr, list, rest) {
		if (nla_type(attr) != CLUSTERDEV_PREFIX) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "not an inside prefix");
			return -EINVAL;
		}
		if (hash->inside_count == AVAIL_INSIDE_MAX) {
			NL_SET_ERR_MSG_ATTR(extack, attr, "more than 16 inside prefixes");
			return -E2BIG;
		}
		err = cd_parse_prefix(&hash->inside[hash->inside_count], attr, extack);
		if (err)
			return err;
		hash->inside_count++;
	}
	return 0;
}

static int cd_parse_mark_mask(struct cd_config *config, const struct nlattr *attr,
			      struct netlink_ext_ack *extack)
{
	u32 mask = nla_get_u32(attr);

	if (mask && mask >> __ffs(mask) != 0x1ff) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "the mark's mask is not nine adjacent bits");
		return -EINVAL;
	}
	config->mark_mask = mask;
	config->mark_shift = mask ? __ffs(mask) : 0;
	return 0;
}

static int cd_parse_state_fd(struct cd_config *config, const struct nlattr *attr,
			     struct netlink_ext_ack *extack)
{
	struct cd_state *state = cd_state_of_fd(nla_get_u32(attr));

	if (IS_ERR(state)) {
		NL_SET_ERR_MSG_ATTR(extack, attr, "not the descriptor of an open /dev/clusterdev");
		return PTR_ERR(state);
	}
	cd_state_put(config->state);
	config->state = state;
	return 0;
}

/* Attributes that are not there leave their values as they are. */
static int cd_parse(struct cd_config *config, struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct avail_hash_config *hash = &config->hash;
	int err = 0;

	if (data[IFLA_CLUSTERDEV_KEY])
		hash->key = nla_get_u8(data[IFLA_CLUSTERDEV_KEY]);
	if (data[IFLA_CLUSTERDEV_SIDE])
		hash->side = nla_get_u8(data[IFLA_CLUSTERDEV_SIDE]);
	if (data[IFLA_CLUSTERDEV_SEED]) {
		u64 seed = nla_get_u64(data[IFLA_CLUSTERDEV_SEED]);

		hash->seed[0] = (u32)seed;
		hash->seed[1] = (u32)(seed >> 32);
	}
	if (data[IFLA_CLUSTERDEV_NAT4]) {
		hash->nat4 = nla_get_u32(data[IFLA_CLUSTERDEV_NAT4]);
		hash->nat = hash->nat4 != 0;
	}
	if (data[IFLA_CLUSTERDEV_COOKIE])
		nla_memcpy(config->cookie, data[IFLA_CLUSTERDEV_COOKIE], sizeof(config->cookie));
	if (data[IFLA_CLUSTERDEV_INSIDE])
		err = cd_parse_inside(hash, data[IFLA_CLUSTERDEV_INSIDE], extack);
	if (!err && data[IFLA_CLUSTERDEV_MARK_MASK])
		err = cd_parse_mark_mask(config, data[IFLA_CLUSTERDEV_MARK_MASK], extack);
	if (!err && data[IFLA_CLUSTERDEV_STATE_FD])
		err = cd_parse_state_fd(config, data[IFLA_CLUSTERDEV_STATE_FD], extack);
	return err;
}

static bool cd_changes_config(struct nlattr *data[])
{
	return data[IFLA_CLUSTERDEV_KEY] || data[IFLA_CLUSTERDEV_SIDE] ||
	       data[IFLA_CLUSTERDEV_SEED] || data[IFLA_CLUSTERDEV_NAT4] ||
	       data[IFLA_CLUSTERDEV_INSIDE] || data[IFLA_CLUSTERDEV_MARK_MASK] ||
	       data[IFLA_CLUSTERDEV_COOKIE] || data[IFLA_CLUSTERDEV_STATE_FD];
}

/* What stands in the page: the lease last if it begins, first if it ends. */
static void cd_set_state(struct cd_state *state, struct nlattr *data[])
{
	const struct nlattr *lease = data[IFLA_CLUSTERDEV_LEASE];
	u64 until = lease ? nla_get_u64(lease) : 0;

	if (lease && until <= ktime_get_boottime_ns())
		WRITE_ONCE(state->shared->lease, until);
	if (data[IFLA_CLUSTERDEV_RESPONSIBILITY])
		cd_state_set_responsibility(state, nla_data(data[IFLA_CLUSTERDEV_RESPONSIBILITY]));
	if (data[IFLA_CLUSTERDEV_EPOCH])
		WRITE_ONCE(state->shared->epoch, nla_get_u64(data[IFLA_CLUSTERDEV_EPOCH]));
	if (lease)
		WRITE_ONCE(state->shared->lease, until);
}

/* Nothing is changed where an attribute is refused. */
static int cd_configure(struct cd_dev *cd, struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct cd_config *old = rtnl_dereference(cd->config), *config;
	int err;

	if (old && (!data || !cd_changes_config(data))) {
		if (data)
			cd_set_state(old->state, data);
		return 0;
	}
	config = old ? kmemdup(old, sizeof(*old), GFP_KERNEL_ACCOUNT) :
		       kzalloc(sizeof(*config), GFP_KERNEL_ACCOUNT);
	if (!config)
		return -ENOMEM;
	if (old) {
		refcount_inc(&config->state->users);
	} else {
		config->state = cd_state_new();
		if (!config->state) {
			kfree(config);
			return -ENOMEM;
		}
	}
	err = data ? cd_parse(config, data, extack) : 0;
	if (err) {
		cd_config_free(config);
		return err;
	}
	if (data)
		cd_set_state(config->state, data);
	rcu_assign_pointer(cd->config, config);
	if (old)
		call_rcu(&old->rcu, cd_config_free_rcu);
	return 0;
}

/*
 * Making
 */

static int cd_validate(struct nlattr *tb[], struct nlattr *data[], struct netlink_ext_ack *extack)
{
	const u8 *mac;

	if (!tb[IFLA_ADDRESS])
		return 0;
	mac = nla_data(tb[IFLA_ADDRESS]);
	if (nla_len(tb[IFLA_ADDRESS]) != ETH_ALEN || is_zero_ether_addr(mac) ||
	    is_broadcast_ether_addr(mac)) {
		NL_SET_ERR_MSG_ATTR(extack, tb[IFLA_ADDRESS],
				    "the cluster MAC must be a group address, or a unicast one that no port has");
		return -EADDRNOTAVAIL;
	}
	return 0;
}

static int cd_check_lower(const struct net_device *lower, const struct net_device *dev,
			  struct netlink_ext_ack *extack)
{
	if (lower->type != ARPHRD_ETHER || lower->flags & IFF_LOOPBACK) {
		NL_SET_ERR_MSG(extack, "the lower device is no Ethernet device");
		return -EINVAL;
	}
	if (cd_is_clusterdev(lower)) {
		NL_SET_ERR_MSG(extack, "the lower device is a clusterdev itself");
		return -ELOOP;
	}
	if (ether_addr_equal(dev->dev_addr, lower->dev_addr)) {
		NL_SET_ERR_MSG(extack, "the cluster MAC is the lower device's own address");
		return -EADDRINUSE;
	}
	return 0;
}

/* Whether a device of that lower one has the MAC. */
bool cd_port_has_mac(const struct cd_port *port, const u8 *mac)
{
	const struct cd_dev *cd;

	list_for_each_entry(cd, &port->devices, list)
		if (ether_addr_equal(cd->mac, mac))
			return true;
	return false;
}

int cd_port_fence(struct net_device *lower, struct cd_port *port)
{
	int err = cd_fence_get(dev_net(lower));

	port->is_fenced = !err;
	return err;
}

void cd_port_unfence(struct net_device *lower, struct cd_port *port)
{
	if (port->is_fenced)
		cd_fence_put(dev_net(lower));
	port->is_fenced = false;
}

/* The port of a lower device, made if there is none; an empty one goes with cd_port_put(). */
static struct cd_port *cd_port_get(struct net_device *lower, struct netlink_ext_ack *extack)
{
	struct cd_port *port = cd_port_of(lower);
	int err;

	if (port)
		return port;
	port = kzalloc(sizeof(*port), GFP_KERNEL_ACCOUNT);
	if (!port)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&port->devices);
	err = cd_port_fence(lower, port);
	if (err) {
		NL_SET_ERR_MSG(extack, "the netfilter hooks cannot be registered");
		goto free_port;
	}
	err = netdev_rx_handler_register(lower, cd_receive, port);
	if (err) {
		if (err == -EBUSY)
			NL_SET_ERR_MSG(extack,
				       "the lower device already has a receive handler (it is a port of a bridge, bond or macvlan)");
		else
			NL_SET_ERR_MSG(extack, "the lower device takes no receive handler");
		goto unfence;
	}
	return port;

unfence:
	cd_port_unfence(lower, port);
free_port:
	kfree(port);
	return ERR_PTR(err);
}

static void cd_port_put(struct net_device *lower, struct cd_port *port)
{
	if (!list_empty(&port->devices))
		return;
	netdev_rx_handler_unregister(lower);	/* waits for readers */
	cd_port_unfence(lower, port);
	kfree_rcu(port, rcu);
}

static int cd_limit_mtu(struct net_device *dev, const struct net_device *lower,
			const struct nlattr *wanted, struct netlink_ext_ack *extack)
{
	dev->max_mtu = lower->max_mtu;
	if (!wanted) {
		dev->mtu = lower->mtu;
	} else if (dev->mtu > lower->mtu) {
		NL_SET_ERR_MSG_ATTR(extack, wanted, "the MTU exceeds the lower device's");
		return -EINVAL;
	}
	return 0;
}

/* Until the administrator gives it the cluster's. */
static void cd_set_random_group(struct net_device *dev)
{
	u8 mac[ETH_ALEN];

	eth_random_addr(mac);
	mac[0] |= 1;
	eth_hw_addr_set(dev, mac);
	dev->addr_assign_type = NET_ADDR_RANDOM;
}

static int cd_make(struct net *link_net, struct net_device *dev, struct nlattr *tb[],
		   struct nlattr *data[], struct netlink_ext_ack *extack)
{
	struct cd_dev *cd = netdev_priv(dev);
	struct net_device *lower;
	struct cd_port *port;
	int err;

	if (!tb[IFLA_LINK]) {
		NL_SET_ERR_MSG(extack, "a clusterdev needs a lower device (link)");
		return -EINVAL;
	}
	lower = __dev_get_by_index(link_net, nla_get_u32(tb[IFLA_LINK]));
	if (!lower) {
		NL_SET_ERR_MSG_ATTR(extack, tb[IFLA_LINK], "there is no such lower device");
		return -ENODEV;
	}
	if (!tb[IFLA_ADDRESS])
		cd_set_random_group(dev);
	err = cd_check_lower(lower, dev, extack);
	if (!err)
		err = cd_limit_mtu(dev, lower, tb[IFLA_MTU], extack);
	if (err)
		return err;

	cd->dev = dev;
	cd->lower = lower;
	cd->lower_mtu = lower->mtu;
	ether_addr_copy(cd->mac, dev->dev_addr);
	INIT_LIST_HEAD(&cd->list);

	port = cd_port_get(lower, extack);
	if (IS_ERR(port))
		return PTR_ERR(port);
	if (cd_port_has_mac(port, dev->dev_addr)) {
		NL_SET_ERR_MSG(extack, "another clusterdev on this lower device has that MAC");
		return -EEXIST;
	}
	err = cd_configure(cd, data, extack);
	if (err)
		goto put_port;
	/* Where this fails the core may have called cd_free(), but not if ndo_init failed. */
	err = register_netdevice(dev);
	if (err) {
		if (!cd->counters) {
			cd_config_free(rtnl_dereference(cd->config));
			RCU_INIT_POINTER(cd->config, NULL);
		}
		goto put_port;
	}
	err = netdev_upper_dev_link(lower, dev, extack);
	if (err) {
		unregister_netdevice(dev);
		goto put_port;
	}
	list_add_tail_rcu(&cd->list, &port->devices);
	netif_stacked_transfer_operstate(lower, dev);
	return 0;

put_port:
	cd_port_put(lower, port);
	return err;
}

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
static int cd_newlink(struct net_device *dev, struct rtnl_newlink_params *params,
		      struct netlink_ext_ack *extack)
{
	return cd_make(rtnl_newlink_link_net(params), dev, params->tb, params->data, extack);
}
#else
static int cd_newlink(struct net *net, struct net_device *dev, struct nlattr *tb[],
		      struct nlattr *data[], struct netlink_ext_ack *extack)
{
	return cd_make(net, dev, tb, data, extack);
}
#endif

static void cd_dellink(struct net_device *dev, struct list_head *head)
{
	struct cd_dev *cd = netdev_priv(dev);

	list_del_rcu(&cd->list);
	cd_port_put(cd->lower, cd_port_of(cd->lower));
	netdev_upper_dev_unlink(cd->lower, dev);
	unregister_netdevice_queue(dev, head);
}

static int cd_changelink(struct net_device *dev, struct nlattr *tb[], struct nlattr *data[],
			 struct netlink_ext_ack *extack)
{
	return cd_configure(netdev_priv(dev), data, extack);
}

/*
 * Showing
 */

static size_t cd_get_size(const struct net_device *dev)
{
	return 2 * nla_total_size(1) +		/* KEY, SIDE */
	       2 * nla_total_size(4) +		/* NAT4, MARK_MASK */
	       nla_total_size(0) + AVAIL_INSIDE_MAX *	/* INSIDE */
		(nla_total_size(0) + nla_total_size(16) + nla_total_size(1)) +
	       nla_total_size(AVAIL_BUCKETS / 8) +	/* RESPONSIBILITY */
	       nla_total_size(16) +		/* COOKIE */
	       2 * nla_total_size_64bit(8) +	/* LEASE, EPOCH */
	       nla_total_size(0) + CD_SHOWN * nla_total_size_64bit(8);	/* COUNTERS */
}

static int cd_fill_inside(struct sk_buff *skb, const struct avail_hash_config *hash)
{
	struct nlattr *list, *one;
	int i, bits, word;

	list = nla_nest_start(skb, IFLA_CLUSTERDEV_INSIDE);
	if (!list)
		return -EMSGSIZE;
	for (i = 0; i < hash->inside_count; i++) {
		const struct avail_prefix *p = &hash->inside[i];

		for (bits = 0, word = 0; word < 4; word++)
			bits += hweight32(p->mask[word]);
		one = nla_nest_start(skb, CLUSTERDEV_PREFIX);
		if (!one ||
		    nla_put(skb, CLUSTERDEV_PREFIX_ADDRESS, p->family == 4 ? 4 : 16, p->addr) ||
		    nla_put_u8(skb, CLUSTERDEV_PREFIX_LENGTH, bits))
			return -EMSGSIZE;
		nla_nest_end(skb, one);
	}
	nla_nest_end(skb, list);
	return 0;
}

static int cd_fill_config(struct sk_buff *skb, const struct cd_config *c)
{
	const struct avail_state *s = c->state->shared;
	u8 map[AVAIL_BUCKETS / 8];

	cd_state_get_responsibility(c->state, map);
	if (nla_put_u8(skb, IFLA_CLUSTERDEV_KEY, c->hash.key) ||
	    nla_put_u8(skb, IFLA_CLUSTERDEV_SIDE, c->hash.side) ||
	    nla_put_u32(skb, IFLA_CLUSTERDEV_NAT4, c->hash.nat ? c->hash.nat4 : 0) ||
	    cd_fill_inside(skb, &c->hash) ||
	    nla_put_u32(skb, IFLA_CLUSTERDEV_MARK_MASK, c->mark_mask) ||
	    nla_put(skb, IFLA_CLUSTERDEV_RESPONSIBILITY, sizeof(map), map) ||
	    nla_put_u64_64bit(skb, IFLA_CLUSTERDEV_LEASE, READ_ONCE(s->lease),
			      IFLA_CLUSTERDEV_PAD) ||
	    nla_put_u64_64bit(skb, IFLA_CLUSTERDEV_EPOCH, READ_ONCE(s->epoch),
			      IFLA_CLUSTERDEV_PAD) ||
	    nla_put(skb, IFLA_CLUSTERDEV_COOKIE, sizeof(c->cookie), c->cookie))
		return -EMSGSIZE;
	return 0;
}

static int cd_fill_counters(struct sk_buff *skb, const struct cd_dev *cd)
{
	struct nlattr *nest = nla_nest_start(skb, IFLA_CLUSTERDEV_COUNTERS);
	u64 sums[CD_COUNTS];
	int i;

	BUILD_BUG_ON(CLUSTERDEV_COUNT_ACCEPTED + CD_SHOWN != CLUSTERDEV_COUNT_MAX + 1);
	if (!nest)
		return -EMSGSIZE;
	cd_sum_counters(cd, sums);
	for (i = 0; i < CD_SHOWN; i++)
		if (nla_put_u64_64bit(skb, CLUSTERDEV_COUNT_ACCEPTED + i, sums[i],
				      CLUSTERDEV_COUNT_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* The seed is not shown: with it, anybody could aim all of a flood at one node. */
static int cd_fill_info(struct sk_buff *skb, const struct net_device *dev)
{
	const struct cd_dev *cd = netdev_priv(dev);
	int err;

	rcu_read_lock();
	err = cd_fill_config(skb, rcu_dereference(cd->config));
	rcu_read_unlock();
	return err ? err : cd_fill_counters(skb, cd);
}

static struct net *cd_get_link_net(const struct net_device *dev)
{
	const struct cd_dev *cd = netdev_priv(dev);

	return dev_net(cd->lower);
}

struct rtnl_link_ops cd_link_ops __read_mostly = {
	.kind = "clusterdev",
	.priv_size = sizeof(struct cd_dev),
	.setup = cd_setup,
	.maxtype = IFLA_CLUSTERDEV_MAX,
	.policy = cd_policy,
	.validate = cd_validate,
	.newlink = cd_newlink,
	.changelink = cd_changelink,
	.dellink = cd_dellink,
	.get_size = cd_get_size,
	.fill_info = cd_fill_info,
	.get_link_net = cd_get_link_net,
};
