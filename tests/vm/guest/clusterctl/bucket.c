// SPDX-License-Identifier: GPL-2.0-or-later
/* Prints the bucket of a frame by kmod/bucket.h itself, so that scripts know who must answer. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clusterctl.h"

/* Sets the n highest bits of the mask, and clears the other bits of the address. */
static void set_prefix(struct avail_prefix *prefix, const struct address *address, u32 bits)
{
	u8 mask[16] = {}, bytes[16] = {};

	for (u32 i = 0; i < bits && i < 128; i++)
		mask[i / 8] |= 0x80 >> (i % 8);
	for (int i = 0; i < address->bytes; i++)
		bytes[i] = address->data[i] & mask[i];
	memcpy(prefix->mask, mask, sizeof(mask));
	memcpy(prefix->addr, bytes, sizeof(bytes));
	prefix->family = address->family == AF_INET ? 4 : 6;
}

static void set_inside(struct avail_hash_config *c, const char *text)
{
	char list[512], *rest = list, *word, *slash;

	snprintf(list, sizeof(list), "%s", text);
	while ((word = strsep(&rest, ","))) {
		struct address address;

		slash = strchr(word, '/');
		if (!slash || c->inside_count == AVAIL_INSIDE_MAX)
			usage("ADDRESS/LENGTH: %s", word);
		*slash = 0;
		address = parse_address(word);
		set_prefix(&c->inside[c->inside_count++], &address, (u32)parse_number(slash + 1));
	}
}

/* Whether the word was one of the configuration. */
static int configure(struct avail_hash_config *c, const char *word)
{
	const char *value;
	u64 seed;

	if ((value = value_of(word, "key"))) {
		c->key = (u8)parse_choice(value, key_names, 4);
	} else if ((value = value_of(word, "side"))) {
		c->side = (u8)parse_choice(value, side_names, 2);
	} else if ((value = value_of(word, "seed"))) {
		seed = parse_number(value);
		c->seed[0] = (u32)seed;
		c->seed[1] = (u32)(seed >> 32);
	} else if ((value = value_of(word, "nat"))) {
		c->nat = 1;
		memcpy(&c->nat4, parse_address(value).data, 4);
	} else if ((value = value_of(word, "inside"))) {
		set_inside(c, value);
	} else {
		return 0;
	}
	return 1;
}

/*
 * FIRST,COUNT[,DST]: "ADDRESS BUCKET" for each source that sends to DST; without DST the bucket that
 * answers its ARP or NDP request.
 */
static int print_each(const char *text, const struct avail_hash_config *c)
{
	char list[128], *rest = list, name[INET6_ADDRSTRLEN];
	struct address first;
	struct avail_tuple t = {};
	u32 count, i;

	snprintf(list, sizeof(list), "%s", text);
	first = parse_address(strsep(&rest, ","));
	if (!rest)
		usage("each=FIRST,COUNT[,DST]: %s", text);
	count = (u32)parse_number(strsep(&rest, ","));
	t.family = first.family == AF_INET ? 4 : 6;
	if (rest) {
		struct address to = parse_address(rest);

		memcpy(t.daddr, to.data, (size_t)to.bytes);
	}
	for (i = 0; i < count; i++) {
		struct address from = nth_address(first, i);

		memcpy(t.saddr, from.data, (size_t)from.bytes);
		printf("%s %u\n", inet_ntop(from.family, from.data, name, sizeof(name)),
		       rest ? avail_bucket(&t, c) :
			      avail_bucket_of_requester(t.saddr, t.family, c));
	}
	return 0;
}

int bucket_print(int count, char **words)
{
	static const char *const verdicts[] = {
		"", "malformed", "ndp", "arp", "other", "fragment_to_nat", "nat_other",
	};
	static const u8 source_mac[6] = { 2 };
	struct avail_hash_config config = {};
	struct avail_tuple tuple;
	struct frame f;
	int bucket, i = 0;

	while (i < count && configure(&config, words[i]))
		i++;
	if (i < count && value_of(words[i], "each"))
		return print_each(value_of(words[i], "each"), &config);
	frame_build(&f, source_mac, count - i, words + i);
	bucket = avail_bucket_of_frame(f.bytes, f.bytes + f.length, &config, &tuple);
	if (bucket >= 0)
		printf("%d\n", bucket);
	else
		puts(verdicts[-bucket]);
	return 0;
}
