// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The vectors of the bucket function, when the module is loaded: what this compiler has made of
 * bucket.h agrees with the BPF programs and with user space. vectors.h is generated.
 */
#include <linux/printk.h>
#include "device.h"

struct cd_vector {
	const char *name;
	struct avail_hash_config config;
	const u8 *frame;
	u32 length;
	int expected;			/* a bucket, or enum avail_verdict */
};

#include "vectors.h"

int cd_selftest(void)
{
	unsigned int i, failed = 0;

	for (i = 0; i < ARRAY_SIZE(cd_vectors); i++) {
		const struct cd_vector *v = &cd_vectors[i];
		struct avail_tuple tuple;
		int bucket = avail_bucket_of_frame(v->frame, v->frame + v->length, &v->config,
						   &tuple);

		if (bucket == v->expected)
			continue;
		pr_err("clusterdev: vector \"%s\": bucket %d, not %d\n", v->name, bucket,
		       v->expected);
		failed++;
	}
	pr_info("clusterdev: %u of %zu vectors of the bucket function hold\n",
		(unsigned int)ARRAY_SIZE(cd_vectors) - failed, ARRAY_SIZE(cd_vectors));
	return failed ? -EINVAL : 0;
}
