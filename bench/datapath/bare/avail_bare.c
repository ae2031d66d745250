// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The least that refusing a frame can cost a module: an rx_handler that looks at nothing and drops all.
 * modprobe avail_bare devices=NAME,NAME: interfaces of the first network namespace.
 */
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>

#define DEVICES_MAX	4

static char *devices[DEVICES_MAX];
static unsigned int count;
module_param_array(devices, charp, &count, 0444);
MODULE_PARM_DESC(devices, "interfaces whose frames are dropped");

static struct net_device *lower[DEVICES_MAX];

static rx_handler_result_t bare_receive(struct sk_buff **pskb)
{
	consume_skb(*pskb);
	return RX_HANDLER_CONSUMED;
}

static void bare_release(unsigned int first)
{
	rtnl_lock();
	while (first--)
		netdev_rx_handler_unregister(lower[first]);
	rtnl_unlock();
}

static int __init bare_init(void)
{
	unsigned int i;
	int err = 0;

	rtnl_lock();
	for (i = 0; i < count && !err; i++) {
		lower[i] = __dev_get_by_name(&init_net, devices[i]);
		err = lower[i] ? netdev_rx_handler_register(lower[i], bare_receive, NULL) : -ENODEV;
	}
	rtnl_unlock();
	if (err)
		bare_release(i - 1);
	return err;
}

/* The devices are meant to outlive the module. */
static void __exit bare_exit(void)
{
	bare_release(count);
}

module_init(bare_init);
module_exit(bare_exit);

MODULE_DESCRIPTION("Baseline of measurements: drops every frame in an rx_handler");
MODULE_LICENSE("GPL");
