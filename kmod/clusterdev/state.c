// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The page with lease, responsibility and epoch (struct avail_state), and /dev/clusterdev, by which
 * user space maps it.
 *
 * A takeover must not wait for RTNL, which a driver may hold for seconds, nor for memory. So user
 * space stores these three words itself. The kernel trusts none of them: it reads single words, and
 * any value means something.
 *
 * With the page go the counters of what was taken, by bucket: read() of the file gives their sums
 * (struct avail_load). They too are had without RTNL, and a daemon that adopts a page goes on with
 * them.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/nsproxy.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>
#include "device.h"

/* One open file. */
struct cd_file {
	struct mutex lock;		/* of both; inside RTNL and mmap_lock */
	struct cd_state *state;
	bool is_mapped;
};

struct cd_state *cd_state_new(void)
{
	struct cd_state *state = kzalloc(sizeof(*state), GFP_KERNEL_ACCOUNT);

	BUILD_BUG_ON(sizeof(*state->shared) > PAGE_SIZE);
	if (!state)
		return NULL;
	state->shared = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (!state->shared)
		goto free_state;
	state->load = __netdev_alloc_pcpu_stats(struct cd_load, GFP_KERNEL_ACCOUNT);
	if (!state->load)
		goto free_page;
	refcount_set(&state->users, 1);
	return state;

free_page:
	free_page((unsigned long)state->shared);
free_state:
	kfree(state);
	return NULL;
}

/* In any context. A page that is still mapped somewhere lives on until it is not. */
void cd_state_put(struct cd_state *state)
{
	if (!state || !refcount_dec_and_test(&state->users))
		return;
	free_percpu(state->load);
	free_page((unsigned long)state->shared);
	kfree(state);
}

/* The same order as in user space: bits, then the word that makes them count. */
void cd_state_set_responsibility(struct cd_state *state, const u8 map[32])
{
	struct avail_state *s = state->shared;
	u64 next = (READ_ONCE(s->active) & 1) ^ 1;
	int i;

	for (i = 0; i < 8; i++) {
		u32 word;

		memcpy(&word, map + 4 * i, 4);
		WRITE_ONCE(s->owned[next][i], AVAIL_LE32(word));
	}
	/* Pairs with cd_state_get_responsibility(), and readers of one word need no order. */
	smp_store_release(&s->active, next);
}

void cd_state_get_responsibility(const struct cd_state *state, u8 map[32])
{
	const struct avail_state *s = state->shared;
	u64 active;
	int i;

	/* Pairs with the release by the writer, here or in user space. */
	active = smp_load_acquire(&s->active) & 1;

	for (i = 0; i < 8; i++) {
		u32 word = READ_ONCE(s->owned[active][i]);

		word = AVAIL_LE32(word);
		memcpy(map + 4 * i, &word, 4);
	}
}

/* Each counter is whole; they are read one after the other. */
static void cd_state_sum_load(const struct cd_state *state, struct avail_load *sum)
{
	int cpu, i;

	for_each_possible_cpu(cpu) {
		const struct cd_load *load = per_cpu_ptr(state->load, cpu);

		for (i = 0; i < AVAIL_BUCKETS; i++) {
			u64 packets, bytes;
			unsigned int start;

			do {
				start = u64_stats_fetch_begin(&load->syncp);
				packets = u64_stats_read(&load->bucket[i][0]);
				bytes = u64_stats_read(&load->bucket[i][1]);
			} while (u64_stats_fetch_retry(&load->syncp, start));
			sum->bucket[i].packets += packets;
			sum->bucket[i].bytes += bytes;
		}
	}
}

static int cd_open_file(struct inode *inode, struct file *file)
{
	struct cd_file *cf;

	if (!ns_capable(current->nsproxy->net_ns->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	cf = kzalloc(sizeof(*cf), GFP_KERNEL_ACCOUNT);
	if (!cf)
		return -ENOMEM;
	cf->state = cd_state_new();
	if (!cf->state) {
		kfree(cf);
		return -ENOMEM;
	}
	mutex_init(&cf->lock);
	file->private_data = cf;
	return 0;
}

static int cd_release_file(struct inode *inode, struct file *file)
{
	struct cd_file *cf = file->private_data;

	cd_state_put(cf->state);
	kfree(cf);
	return 0;
}

/* The counters by bucket, as they are now. */
static ssize_t cd_read_file(struct file *file, char __user *to, size_t bytes, loff_t *at)
{
	struct cd_file *cf = file->private_data;
	struct avail_load *sum = kzalloc(sizeof(*sum), GFP_KERNEL_ACCOUNT);
	ssize_t copied;

	BUILD_BUG_ON(ARRAY_SIZE(sum->bucket) != AVAIL_BUCKETS);
	if (!sum)
		return -ENOMEM;
	mutex_lock(&cf->lock);
	cd_state_sum_load(cf->state, sum);
	mutex_unlock(&cf->lock);
	copied = simple_read_from_buffer(to, bytes, at, sum, sizeof(*sum));
	kfree(sum);
	return copied;
}

static int cd_map_file(struct file *file, struct vm_area_struct *vma)
{
	struct cd_file *cf = file->private_data;
	int err;

	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	mutex_lock(&cf->lock);
	err = vm_insert_page(vma, vma->vm_start, virt_to_page(cf->state->shared));
	if (!err)
		cf->is_mapped = true;
	mutex_unlock(&cf->lock);
	return err;
}

/* The state of the clusterdev with that index in the caller's namespace, with a reference. */
static struct cd_state *cd_state_of_index(u32 index)
{
	struct cd_state *state = ERR_PTR(-ENODEV);
	struct net_device *dev;

	rtnl_lock();
	dev = __dev_get_by_index(current->nsproxy->net_ns, index);
	if (dev && cd_is_clusterdev(dev)) {
		struct cd_dev *cd = netdev_priv(dev);

		state = rtnl_dereference(cd->config)->state;
		refcount_inc(&state->users);
	}
	rtnl_unlock();
	return state;
}

static int cd_adopt(struct cd_file *cf, u32 index)
{
	struct cd_state *state = cd_state_of_index(index);
	int err = 0;

	if (IS_ERR(state))
		return PTR_ERR(state);
	mutex_lock(&cf->lock);
	if (cf->is_mapped || refcount_read(&cf->state->users) > 1)
		err = -EBUSY;
	else
		swap(cf->state, state);
	mutex_unlock(&cf->lock);
	cd_state_put(state);
	return err;
}

static long cd_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	u32 index;

	if (command != CLUSTERDEV_IOC_ADOPT)
		return -ENOTTY;
	if (get_user(index, (u32 __user *)argument))
		return -EFAULT;
	if (!ns_capable(current->nsproxy->net_ns->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	return cd_adopt(file->private_data, index);
}

static const struct file_operations cd_file_operations = {
	.owner = THIS_MODULE,
	.open = cd_open_file,
	.release = cd_release_file,
	.read = cd_read_file,
	.mmap = cd_map_file,
	.unlocked_ioctl = cd_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/* The state behind an open /dev/clusterdev of the caller, with a reference. */
struct cd_state *cd_state_of_fd(int fd)
{
	struct file *file = fget(fd);
	struct cd_state *state;
	struct cd_file *cf;

	if (!file)
		return ERR_PTR(-EBADF);
	if (file->f_op != &cd_file_operations) {
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	cf = file->private_data;
	mutex_lock(&cf->lock);
	state = cf->state;
	refcount_inc(&state->users);
	mutex_unlock(&cf->lock);
	fput(file);
	return state;
}

static struct miscdevice cd_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "clusterdev",
	.fops = &cd_file_operations,
	.mode = 0600,
};

int cd_state_register(void)
{
	return misc_register(&cd_misc);
}

void cd_state_unregister(void)
{
	misc_deregister(&cd_misc);
}
