// SPDX-License-Identifier: GPL-2.0-or-later
/* kmod/bucket.h alone as an XDP program: its return value is the bucket or verdict, plus 1000. */
#include "bpf/kernel.h"
#include "bucket.h"

char LICENSE[] SEC("license") = "GPL";

/* In .rodata, as in the datapath: the verifier knows it, and prunes what it does not use. */
const volatile union {
	u8 bytes[sizeof(struct avail_hash_config)];
	struct avail_hash_config config;
} hash = { .bytes = { TEST_CONFIG } };

SEC("xdp") int judge(struct xdp_md *ctx)
{
	struct avail_tuple tuple;

	return 1000 + avail_bucket_of_frame((const u8 *)(long)ctx->data,
					    (const u8 *)(long)ctx->data_end, &hash.config, &tuple);
}
