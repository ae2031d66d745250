// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process that holds /dev/clusterdev open, as the daemon does. Each line written to the FIFO IN is
 * answered by one line in the FIFO OUT: "ok MICROSECONDS [VALUES]" or "error ERRNO [TEXT]".
 *
 *   give DEV      devices use this page        adopt DEV     use the page of that device
 *   lease MS      "forever", or from now on    buckets R     both generations: written, then switched
 *   epoch N                                    show          what the page holds
 *   load B        taken of bucket B: packets, bytes; and packets of all other buckets
 *   keep MS N     renew for MS every N ms, until told otherwise
 *   unmap, close, quit
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clusterctl.h"
#include "clusterdev/clusterdev.h"

static struct holder {
	int fd;
	volatile struct avail_state *page;
	u64 keep_ms, every_ms;
} holder = { .fd = -1 };

static int map_page(struct holder *h)
{
	void *page;

	if (h->page)
		return 0;
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, h->fd, 0);
	if (page == MAP_FAILED)
		return errno;
	h->page = page;
	return 0;
}

static void set_lease(struct holder *h, u64 lease)
{
	__atomic_store_n(&h->page->lease, lease, __ATOMIC_RELEASE);
}

/* The generation that is not active is written, then made active: no frame sees a mixture. */
static void set_buckets(struct holder *h, const char *text)
{
	u64 next = (h->page->active & 1) ^ 1;
	u8 map[32];

	parse_buckets(text, map);
	for (int i = 0; i < 8; i++)
		h->page->owned[next][i] = map[4 * i] | (u32)map[4 * i + 1] << 8 |
					  (u32)map[4 * i + 2] << 16 | (u32)map[4 * i + 3] << 24;
	__atomic_store_n(&h->page->active, next, __ATOMIC_RELEASE);
}

static int adopt(struct holder *h, const char *name)
{
	u32 index = if_nametoindex(name);

	return ioctl(h->fd, CLUSTERDEV_IOC_ADOPT, &index) ? errno : 0;
}

static int unmap(struct holder *h)
{
	if (h->page && munmap((void *)h->page, 4096))
		return errno;
	h->page = NULL;
	return 0;
}

static void show(const struct holder *h, char *text, size_t bytes)
{
	u64 now = now_ns(), lease = h->page->lease;
	int owned = 0;

	for (int i = 0; i < 8; i++)
		owned += __builtin_popcount(h->page->owned[h->page->active & 1][i]);
	snprintf(text, bytes, "lease_ms=%" PRId64 " owned=%d epoch=%" PRIu64,
		 lease == UINT64_MAX ? -1 : lease > now ? (int64_t)((lease - now) / 1000000) : 0,
		 owned, h->page->epoch);
}

static int load(const struct holder *h, u64 bucket, char *text, size_t bytes)
{
	struct avail_load sum;
	u64 others = 0;

	if (bucket > 255)
		return ERANGE;
	if (pread(h->fd, &sum, sizeof(sum), 0) != sizeof(sum))
		return errno ? errno : EIO;
	for (u64 i = 0; i < 256; i++)
		others += i == bucket ? 0 : sum.bucket[i].packets;
	snprintf(text, bytes, "packets=%" PRIu64 " bytes=%" PRIu64 " others=%" PRIu64,
		 sum.bucket[bucket].packets, sum.bucket[bucket].bytes, others);
	return 0;
}

/* An errno, or 0; *text gets more to say. */
static int obey(struct holder *h, char *line, char *text, size_t bytes)
{
	char *verb = strsep(&line, " "), *first = strsep(&line, " ");
	const char *why = "";
	int error;

	first = first ? first : "";
	h->keep_ms = 0;
	if (!strcmp(verb, "give")) {
		error = link_give_state(first, h->fd, &why);
		snprintf(text, bytes, "%s", why);
		return error;
	}
	if (!strcmp(verb, "adopt"))
		return adopt(h, first);
	if (!strcmp(verb, "load"))
		return load(h, parse_number(first), text, bytes);
	if (!strcmp(verb, "unmap"))
		return unmap(h);
	if (!strcmp(verb, "close"))
		return close(h->fd) ? errno : 0;
	error = map_page(h);
	if (error)
		return error;
	if (!strcmp(verb, "lease")) {
		set_lease(h, parse_lease(first));
	} else if (!strcmp(verb, "buckets")) {
		set_buckets(h, first);
	} else if (!strcmp(verb, "epoch")) {
		h->page->epoch = parse_number(first);
	} else if (!strcmp(verb, "keep")) {
		h->keep_ms = parse_number(first);
		h->every_ms = parse_number(line ? line : "10");
	} else if (!strcmp(verb, "show")) {
		show(h, text, bytes);
	} else {
		return EINVAL;
	}
	return 0;
}

static void answer(struct holder *h, int out, char *line)
{
	char text[256] = "";
	u64 start = now_ns();
	int error = obey(h, line, text, sizeof(text));
	u64 micros = (now_ns() - start) / 1000;

	if (error)
		dprintf(out, "error %s %s\n", strerrorname_np(error), text);
	else
		dprintf(out, "ok %" PRIu64 " %s\n", micros, text);
}

static void renew(struct holder *h)
{
	if (h->keep_ms)
		set_lease(h, now_ns() + h->keep_ms * 1000000);
}

int hold(int count, char **words)
{
	struct pollfd polled = { .events = POLLIN };
	char line[512];
	FILE *in;
	int out;

	if (count != 2)
		usage("hold IN OUT");
	/* Open for both: a FIFO whose other end is gone neither ends nor blocks. */
	polled.fd = open(words[0], O_RDWR);
	out = open(words[1], O_RDWR);
	holder.fd = open("/dev/clusterdev", O_RDWR | O_CLOEXEC);
	if (polled.fd < 0 || out < 0 || holder.fd < 0)
		fail("hold");
	to_background();
	in = fdopen(polled.fd, "r");
	setvbuf(in, NULL, _IONBF, 0);
	for (;;) {
		renew(&holder);
		if (poll(&polled, 1, holder.keep_ms ? (int)holder.every_ms : -1) <= 0)
			continue;
		if (!fgets(line, sizeof(line), in))
			return 1;
		line[strcspn(line, "\n")] = 0;
		if (!strcmp(line, "quit"))
			return 0;
		answer(&holder, out, line);
	}
}
