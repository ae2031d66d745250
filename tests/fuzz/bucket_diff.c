// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bucket function as a filter, so that another implementation can be compared with it.
 *
 * Standard input is a sequence of records: u32 kind, u32 length (both little-endian), then bytes.
 *   kind 0  struct avail_hash_config: holds from here on
 *   kind 1  an Ethernet frame: answered by its bucket or verdict (i32)
 *   kind 2  bytes: answered by their HalfSipHash-1-3 under the configuration's seed (u32)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bucket_user.h"

static u32 hash(const u8 *bytes, u32 length, const struct avail_hash_config *config)
{
	struct avail_siphash s;
	u32 rest = length << 24, i;

	avail_siphash_start(&s, config);
	for (i = 0; i + 4 <= length; i += 4)
		avail_siphash_word(&s, AVAIL_LE32(avail_load32(bytes + i)));
	for (; i < length; i++)
		rest |= (u32)bytes[i] << 8 * (i & 3);
	return avail_siphash_end(&s, rest);
}

int main(void)
{
	struct avail_hash_config config = { .key = AVAIL_KEY_PAIR };
	u32 record[2];

	while (fread(record, sizeof(record), 1, stdin) == 1) {
		u32 length = record[1], answer;
		/* Of exactly this size, so that the sanitizer sees a read beyond it. */
		u8 *bytes = malloc(length ? length : 1);
		struct avail_tuple tuple;

		if (!bytes || (length && fread(bytes, length, 1, stdin) != 1))
			return 1;
		if (record[0] == 0) {
			if (length != sizeof(config))
				return 1;
			memcpy(&config, bytes, sizeof(config));
		} else {
			answer = record[0] == 1 ?
				(u32)avail_bucket_of_frame(bytes, bytes + length, &config, &tuple) :
				hash(bytes, length, &config);
			fwrite(&answer, sizeof(answer), 1, stdout);
		}
		free(bytes);
	}
	return 0;
}
