// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device as the network stack sees it: opened and closed, its addresses in the lower device's
 * filter, its limits, features and statistics.
 */
#include <linux/ethtool.h>
#include <linux/if_vlan.h>
#include <linux/version.h>
#include "device.h"

/*
 * The lower device segments, sums and linearizes what it cannot do itself, as cd_transmit() hands
 * frames to its queue. So these do not depend on it.
 */
#define CD_FEATURES_ALWAYS	(NETIF_F_SG | NETIF_F_HW_CSUM | NETIF_F_GSO_SOFTWARE)
/* These are the lower device's. */
#define CD_FEATURES_LOWER	(NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | NETIF_F_RXCSUM)

/* The lower device's filter; a group or a unicast address. */
static int cd_filter_add(struct net_device *lower, const u8 *mac)
{
	return is_multicast_ether_addr(mac) ? dev_mc_add(lower, mac) : dev_uc_add(lower, mac);
}

static void cd_filter_del(struct net_device *lower, const u8 *mac)
{
	if (is_multicast_ether_addr(mac))
		dev_mc_del(lower, mac);
	else
		dev_uc_del(lower, mac);
}

static int cd_open(struct net_device *dev)
{
	struct cd_dev *cd = netdev_priv(dev);
	int err = cd_filter_add(cd->lower, dev->dev_addr);

	if (!err)
		netif_stacked_transfer_operstate(cd->lower, dev);
	return err;
}

static int cd_stop(struct net_device *dev)
{
	struct cd_dev *cd = netdev_priv(dev);

	dev_uc_unsync(cd->lower, dev);
	dev_mc_unsync(cd->lower, dev);
	cd_filter_del(cd->lower, dev->dev_addr);
	return 0;
}

/* The groups that its addresses joined (solicited-node groups, say) reach it by the lower device. */
static void cd_set_rx_mode(struct net_device *dev)
{
	struct cd_dev *cd = netdev_priv(dev);

	dev_uc_sync(cd->lower, dev);
	dev_mc_sync(cd->lower, dev);
}

static int cd_set_mac_address(struct net_device *dev, void *p)
{
	struct cd_dev *cd = netdev_priv(dev);
	const struct sockaddr *address = p;
	const u8 *mac = (const u8 *)address->sa_data;
	u8 old[ETH_ALEN];
	int err;

	if (is_zero_ether_addr(mac) || is_broadcast_ether_addr(mac) ||
	    ether_addr_equal(mac, cd->lower->dev_addr))
		return -EADDRNOTAVAIL;
	if (ether_addr_equal(mac, dev->dev_addr))
		return 0;
	if (cd_port_has_mac(cd_port_of(cd->lower), mac))
		return -EEXIST;
	if (dev->flags & IFF_UP) {
		err = cd_filter_add(cd->lower, mac);
		if (err)
			return err;
	}
	ether_addr_copy(old, dev->dev_addr);
	eth_hw_addr_set(dev, mac);
	/* Frames that arrive in between match neither or one of the two. */
	ether_addr_copy(cd->mac, mac);
	if (dev->flags & IFF_UP)
		cd_filter_del(cd->lower, old);
	return 0;
}

static int cd_change_mtu(struct net_device *dev, int mtu)
{
	const struct cd_dev *cd = netdev_priv(dev);

	if (mtu > cd->lower->mtu)
		return -EINVAL;
	WRITE_ONCE(dev->mtu, mtu);
	return 0;
}

static netdev_features_t cd_fix_features(struct net_device *dev, netdev_features_t features)
{
	const struct cd_dev *cd = netdev_priv(dev);

	return features & ~(CD_FEATURES_LOWER & ~cd->lower->features);
}

void cd_sum_counters(const struct cd_dev *cd, u64 sums[CD_COUNTS])
{
	int cpu, i;

	memset(sums, 0, CD_COUNTS * sizeof(*sums));
	for_each_possible_cpu(cpu) {
		const struct cd_counters *c = per_cpu_ptr(cd->counters, cpu);
		u64 values[CD_COUNTS];
		unsigned int start;

		do {
			start = u64_stats_fetch_begin(&c->syncp);
			for (i = 0; i < CD_COUNTS; i++)
				values[i] = u64_stats_read(&c->value[i]);
		} while (u64_stats_fetch_retry(&c->syncp, start));
		for (i = 0; i < CD_COUNTS; i++)
			sums[i] += values[i];
	}
}

/* Other nodes' frames are filtered, not lost: they count as no error of this device. */
static void cd_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *stats)
{
	u64 sums[CD_COUNTS];

	cd_sum_counters(netdev_priv(dev), sums);
	stats->rx_packets = sums[CD_ACCEPTED];
	stats->rx_bytes = sums[CD_ACCEPTED_BYTES];
	stats->rx_dropped = sums[CD_NO_MEMORY];
	stats->rx_frame_errors = sums[CD_MALFORMED];
	stats->rx_errors = sums[CD_MALFORMED];
	stats->tx_packets = sums[CD_SENT];
	stats->tx_bytes = sums[CD_SENT_BYTES];
	stats->tx_dropped = sums[CD_SEND_DROPPED];
}

static int cd_get_iflink(const struct net_device *dev)
{
	const struct cd_dev *cd = netdev_priv(dev);

	return READ_ONCE(cd->lower->ifindex);
}

static int cd_init(struct net_device *dev)
{
	struct cd_dev *cd = netdev_priv(dev);

	cd->counters = netdev_alloc_pcpu_stats(struct cd_counters);
	if (!cd->counters)
		return -ENOMEM;
	dev_hold(cd->lower);
	return 0;
}

static void cd_uninit(struct net_device *dev)
{
	struct cd_dev *cd = netdev_priv(dev);

	dev_put(cd->lower);
}

/* priv_destructor: after the last reader */
static void cd_free(struct net_device *dev)
{
	struct cd_dev *cd = netdev_priv(dev);

	free_percpu(cd->counters);
	cd_config_free(rcu_dereference_protected(cd->config, true));
}

static const struct net_device_ops cd_device_operations = {
	.ndo_init = cd_init,
	.ndo_uninit = cd_uninit,
	.ndo_open = cd_open,
	.ndo_stop = cd_stop,
	.ndo_start_xmit = cd_transmit,
	.ndo_set_rx_mode = cd_set_rx_mode,
	.ndo_set_mac_address = cd_set_mac_address,
	/* No ndo_validate_addr: eth_validate_addr() would refuse a group address. */
	.ndo_change_mtu = cd_change_mtu,
	.ndo_fix_features = cd_fix_features,
	.ndo_get_stats64 = cd_get_stats64,
	.ndo_get_iflink = cd_get_iflink,
	.ndo_features_check = passthru_features_check,
};

static void cd_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "clusterdev", sizeof(info->driver));
}

static int cd_get_link_ksettings(struct net_device *dev, struct ethtool_link_ksettings *settings)
{
	const struct cd_dev *cd = netdev_priv(dev);

	return __ethtool_get_link_ksettings(cd->lower, settings);
}

static const struct ethtool_ops cd_ethtool_operations = {
	.get_drvinfo = cd_get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = cd_get_link_ksettings,
};

void cd_setup(struct net_device *dev)
{
	ether_setup(dev);
	dev->netdev_ops = &cd_device_operations;
	dev->ethtool_ops = &cd_ethtool_operations;
	dev->header_ops = &cd_header_ops;
	dev->priv_destructor = cd_free;
	dev->needs_free_netdev = true;
	/* Frames are changed on their way out, so packet generators must not share them. */
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->priv_flags |= IFF_NO_QUEUE | IFF_UNICAST_FLT | IFF_DONT_BRIDGE | IFF_NO_RX_HANDLER;
	dev->features = CD_FEATURES_ALWAYS | CD_FEATURES_LOWER;
	dev->hw_features = dev->features;
	dev->vlan_features = CD_FEATURES_ALWAYS | CD_FEATURES_LOWER;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	dev->lltx = true;
#else
	dev->features |= NETIF_F_LLTX;
#endif
}

bool cd_is_clusterdev(const struct net_device *dev)
{
	return dev->netdev_ops == &cd_device_operations;
}
