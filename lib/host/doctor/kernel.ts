/** What this kernel can do. */
import { BPF_MAP_TYPE_ARRAY, createMap } from "../../../ffi/bpf.ts";
import { close } from "../../../ffi/libc.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../../ffi/libmnl.ts";
import { describeErrno, SystemError } from "../../../ffi/library.ts";
import type { KernelFacts, ModuleFacts } from "../../doctor/kernel.ts";
import {
  errorOf,
  messages,
  MessageWriter,
  NLM_F_ACK,
  NLM_F_REQUEST,
  NLMSG_ERROR,
} from "../../netlink/message.ts";
import { readPackedSource } from "../kernel_module/source.ts";
import { type Facts, gatherFacts, judgeModule } from "../kernel_module/status.ts";
import { libraries } from "../libraries.ts";
import { isThere, readSetting } from "./read.ts";

/** NFNL_SUBSYS_CTNETLINK (1), IPCTNL_MSG_CT_GET_STATS (5): a question that changes nothing. */
const statisticsRequest = 1 << 8 | 5;
const EPERM = 1;

export function kernelFacts(): KernelFacts {
  const isRoot = Deno.uid() === 0;
  const missingLibraries = Object.entries(libraries())
    .filter(([, file]) => file === null).map(([soname]) => soname);
  const facts = gatherFacts();
  return {
    isRoot,
    release: Deno.osRelease(),
    isContainer: facts.kernel.isContainer,
    hasConntrack: isThere("/proc/sys/net/netfilter/nf_conntrack_max"),
    ctnetlinkProblem: missingLibraries.includes("libmnl.so.0") ? null : ctnetlinkProblem(),
    bpfProblem: isRoot ? bpfProblem() : null,
    bpfJit: readSetting("net/core/bpf_jit_enable"),
    module: moduleFacts(facts),
    missingLibraries,
  };
}

function ctnetlinkProblem(): string | null {
  try {
    const socket = new NetlinkSocket(NETLINK_NETFILTER);
    try {
      const writer = new MessageWriter(64);
      writer.begin(statisticsRequest, NLM_F_REQUEST | NLM_F_ACK, 1, new Uint8Array(4)); // nfgenmsg
      writer.end();
      socket.send(writer.bytes);
      const answer = new Uint8Array(4096);
      const view = new DataView(answer.buffer);
      for (const message of messages(view, socket.receive(answer, 0) ?? 0)) {
        const errno = message.type === NLMSG_ERROR ? errorOf(view, message) : 0;
        if (errno !== 0 && errno !== EPERM) return describeErrno(errno);
      }
      return null;
    } finally {
      socket.close();
    }
  } catch (error) {
    if (error instanceof SystemError) return error.message;
    throw error;
  }
}

function bpfProblem(): string | null {
  try {
    const map = { name: "avail_doctor", type: BPF_MAP_TYPE_ARRAY, keyBytes: 4, valueBytes: 4 };
    close(createMap({ ...map, entries: 1, flags: 0 }));
    return null;
  } catch (error) {
    if (error instanceof SystemError) return error.message;
    throw error;
  }
}

function moduleFacts(facts: Facts): ModuleFacts {
  const { version } = readPackedSource();
  const { state, loaded, installed, obstacles } = judgeModule(facts, version);
  return {
    state,
    version,
    present: (loaded ?? installed)?.version ?? null,
    obstacles: obstacles.map(({ problem, remedy }) => ({ problem, remedy })),
  };
}
