/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kmod/bucket.h in user space. */
#ifndef AVAIL_BUCKET_USER_H
#define AVAIL_BUCKET_USER_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define AVAIL_INLINE inline __attribute__((always_inline))

#include "bucket.h"

/* What loaders in other languages rely on. */
_Static_assert(sizeof(struct avail_prefix) == 36, "prefix");
_Static_assert(offsetof(struct avail_prefix, mask) == 16, "mask");
_Static_assert(offsetof(struct avail_prefix, family) == 32, "family");
_Static_assert(sizeof(struct avail_hash_config) == 592, "config");
_Static_assert(offsetof(struct avail_hash_config, key) == 8, "key");
_Static_assert(offsetof(struct avail_hash_config, side) == 9, "side");
_Static_assert(offsetof(struct avail_hash_config, nat) == 10, "nat");
_Static_assert(offsetof(struct avail_hash_config, inside_count) == 11, "inside_count");
_Static_assert(offsetof(struct avail_hash_config, nat4) == 12, "nat4");
_Static_assert(offsetof(struct avail_hash_config, inside) == 16, "inside");
_Static_assert(sizeof(struct avail_tuple) == 44, "tuple");

#endif
