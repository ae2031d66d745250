// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * clusterdev: a virtual device that shares a link-layer address with the same device on other
 * machines, and handles of the frames for it those that its own machine is responsible for.
 *
 * It carries on clusterdev of the availability-manager (2007). docs/clusterdev.md explains it.
 */
#include <linux/module.h>
#include <linux/rtnetlink.h>
#include "device.h"

/* Its own MTU, as long as it equals the lower one's; a smaller one only where it must. */
static void cd_follow_mtu(struct cd_dev *cd)
{
	unsigned int mtu = cd->lower->mtu;

	if (cd->dev->mtu > mtu || cd->dev->mtu == cd->lower_mtu)
		dev_set_mtu(cd->dev, mtu);
	cd->lower_mtu = mtu;
	cd->dev->max_mtu = cd->lower->max_mtu;
}

/* The port goes with its last device. */
static void cd_remove_all(struct cd_port *port)
{
	struct cd_dev *cd;
	LIST_HEAD(gone);
	bool is_last;

	do {
		cd = list_first_entry(&port->devices, struct cd_dev, list);
		is_last = list_is_singular(&port->devices);
		cd_link_ops.dellink(cd->dev, &gone);
	} while (!is_last);
	unregister_netdevice_many(&gone);
}

/* What happens to a lower device; under RTNL. */
static int cd_lower_event(struct notifier_block *nb, unsigned long event, void *info)
{
	struct net_device *lower = netdev_notifier_info_to_dev(info);
	struct cd_port *port = cd_port_of(lower);
	struct cd_dev *cd;

	if (!port)
		return NOTIFY_DONE;
	switch (event) {
	case NETDEV_UP:
	case NETDEV_DOWN:
	case NETDEV_CHANGE:
		list_for_each_entry(cd, &port->devices, list)
			netif_stacked_transfer_operstate(lower, cd->dev);
		break;
	case NETDEV_CHANGEMTU:
		list_for_each_entry(cd, &port->devices, list)
			cd_follow_mtu(cd);
		break;
	case NETDEV_FEAT_CHANGE:
		list_for_each_entry(cd, &port->devices, list)
			netdev_update_features(cd->dev);
		break;
	case NETDEV_UNREGISTER:
		if (lower->reg_state == NETREG_UNREGISTERING)
			cd_remove_all(port);
		else	/* it moves to another network namespace, with its port */
			cd_port_unfence(lower, port);
		break;
	case NETDEV_REGISTER:
		if (cd_port_fence(lower, port))
			netdev_err(lower, "clusterdev: the netfilter hooks cannot be registered\n");
		break;
	case NETDEV_PRE_TYPE_CHANGE:
		return NOTIFY_BAD;
	}
	return NOTIFY_DONE;
}

static struct notifier_block cd_notifier = { .notifier_call = cd_lower_event };

static int __init cd_init_module(void)
{
	int err = cd_selftest();

	if (err)
		return err;
	err = cd_fence_register();
	if (err)
		return err;
	err = register_netdevice_notifier(&cd_notifier);
	if (err)
		goto no_notifier;
	err = cd_state_register();
	if (err)
		goto no_state;
	err = rtnl_link_register(&cd_link_ops);
	if (err)
		goto no_link;
	return 0;

no_link:
	cd_state_unregister();
no_state:
	unregister_netdevice_notifier(&cd_notifier);
no_notifier:
	cd_fence_unregister();
	return err;
}

static void __exit cd_exit_module(void)
{
	rtnl_link_unregister(&cd_link_ops);	/* removes all devices */
	cd_state_unregister();
	unregister_netdevice_notifier(&cd_notifier);
	cd_fence_unregister();
	rcu_barrier();				/* cd_config_free_rcu() */
}

module_init(cd_init_module);
module_exit(cd_exit_module);

MODULE_LICENSE("GPL");
#if __has_include("clusterdev_version.h")	/* packed source: pack.ts wrote it */
#include "clusterdev_version.h"
MODULE_VERSION(CLUSTERDEV_VERSION);
#endif
MODULE_DESCRIPTION("Cluster device: machines that share a link-layer address divide its traffic");
MODULE_ALIAS_RTNL_LINK("clusterdev");
