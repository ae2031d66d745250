// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sender of the measurement on the host: run by BPF_PROG_TEST_RUN with live frames, it hands each
 * to the driver of a veth device, whose peer then receives it as from a wire.
 *
 * Each frame gets another source address. What is added to it is taken from a field that nobody
 * looks at, so that the IPv4 header's checksum stays right without being computed.
 */
#include "../../kmod/bpf/kernel.h"

struct avail_sender {
	u32 ifindex;		/* of the veth device that sends */
};

const volatile struct avail_sender sender SEC(".rodata") = {};

static long (*bpf_redirect)(u32 ifindex, u64 flags) = (void *)BPF_FUNC_redirect;
static u32 (*bpf_get_prandom_u32)(void) = (void *)BPF_FUNC_get_prandom_u32;

static AVAIL_INLINE int avail_send(u8 *frame, u8 *end, u32 source, u32 spare)
{
	u16 number = bpf_get_prandom_u32();

	if (frame + 60 > end)
		return XDP_ABORTED;
	*(u16 *)(frame + source) = number;
	*(u16 *)(frame + spare) = ~number;
	return bpf_redirect(sender.ifindex, 0);
}

/* Low half of the source address, identification. */
SEC("xdp/ip4")
int send_ip4(struct xdp_md *ctx)
{
	return avail_send((void *)(long)ctx->data, (void *)(long)ctx->data_end, 14 + 14, 14 + 4);
}

/* Low bits of the source address, low bits of the flow label. */
SEC("xdp/ip6")
int send_ip6(struct xdp_md *ctx)
{
	return avail_send((void *)(long)ctx->data, (void *)(long)ctx->data_end, 14 + 22, 14 + 2);
}
