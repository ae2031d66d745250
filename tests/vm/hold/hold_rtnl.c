// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holds RTNL for as long as asked, as a driver does that waits for its hardware:
 *
 *	insmod hold_rtnl.ko ms=3000 &		/sys/module/hold_rtnl/parameters/held: Y meanwhile
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/rtnetlink.h>

static unsigned int ms = 1000;
module_param(ms, uint, 0444);
MODULE_PARM_DESC(ms, "how long");

static bool held;
module_param(held, bool, 0444);
MODULE_PARM_DESC(held, "whether it is held now");

static int __init hold_rtnl_init(void)
{
	rtnl_lock();
	WRITE_ONCE(held, true);
	msleep(ms);
	WRITE_ONCE(held, false);
	rtnl_unlock();
	return 0;
}

static void __exit hold_rtnl_exit(void)
{
}

module_init(hold_rtnl_init);
module_exit(hold_rtnl_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test: holds RTNL");
