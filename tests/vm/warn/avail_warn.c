// SPDX-License-Identifier: GPL-2.0-or-later
/* Warns when it is loaded: the run that loads it must fail. */
#include <linux/bug.h>
#include <linux/init.h>
#include <linux/module.h>

static int __init avail_warn_init(void)
{
	WARN(1, "avail_warn: on purpose\n");
	return 0;
}

static void __exit avail_warn_exit(void)
{
}

module_init(avail_warn_init);
module_exit(avail_warn_exit);

MODULE_DESCRIPTION("Warns when it is loaded, for a test of the test");
MODULE_LICENSE("GPL");
