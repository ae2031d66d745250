// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: a configuration of a few bytes, then a frame. The sanitizers look for reads
 * beyond the frame; the checks below for answers that make no sense.
 */
#include <stdlib.h>
#include <string.h>

#include "bucket_user.h"

#define CONFIG_BYTES 24

static void check(int holds)
{
	if (!holds)
		abort();
}

/* An IPv4 and an IPv6 inside prefix from the fuzzer's bytes. */
static void read_config(struct avail_hash_config *c, const u8 *bytes)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->seed, bytes, 8);
	c->key = bytes[8] & 3;
	c->side = bytes[9] & 1;
	c->nat = bytes[10] & 1;
	c->inside_count = bytes[11] % (AVAIL_INSIDE_MAX + 3);
	memcpy(&c->nat4, bytes + 12, 4);
	c->inside[0].family = 4;
	memcpy(c->inside[0].mask, bytes + 16, 4);
	c->inside[1].family = 6;
	memcpy(c->inside[1].mask, bytes + 20, 4);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct avail_hash_config config;
	struct avail_tuple tuple;
	int verdict;

	if (size < CONFIG_BYTES)
		return 0;
	read_config(&config, data);
	verdict = avail_bucket_of_frame(data + CONFIG_BYTES, data + size, &config, &tuple);
	check(verdict < AVAIL_BUCKETS && verdict >= AVAIL_NAT_OTHER);
	if (verdict < 0)
		return 0;

	check(tuple.family == 4 || tuple.family == 6);
	check(!(tuple.has_ports && tuple.echo));
	check(avail_bucket_of_tuple(&tuple, &config) == verdict);
	/* The same from both sides. */
	config.nat = 0;
	if (config.key == AVAIL_KEY_PAIR || config.key == AVAIL_KEY_FLOW) {
		u32 bucket = avail_bucket(&tuple, &config);

		avail_swap_ends(&tuple);
		check(avail_bucket(&tuple, &config) == bucket);
	}
	return 0;
}
