import {
  isAtLeast,
  type KernelFacts,
  kernelGroup,
  type ModuleFacts,
} from "../../lib/doctor/kernel.ts";
import { assertEquals } from "../assert.ts";
import { testGroup } from "./group_cases.ts";
import { configOf, soundSetup } from "./setups.ts";

const module: ModuleFacts = { state: "loaded", version: "1-a", present: "1-a", obstacles: [] };
const sound: KernelFacts = {
  isRoot: true,
  release: "6.12.0-1-amd64",
  isContainer: false,
  hasConntrack: true,
  ctnetlinkProblem: null,
  bpfProblem: null,
  bpfJit: 1,
  module,
  missingLibraries: [],
};
const impossible: ModuleFacts = {
  ...module,
  state: "impossible",
  present: null,
  obstacles: [{ problem: "no headers", remedy: "apt-get install linux-headers" }],
};
const withBackend = (backend: string) => ({
  config: configOf((text) => `${text}\n[datapath]\nbackend = "${backend}"\n`),
  status: null,
});

testGroup(kernelGroup, sound, [
  { facts: { isRoot: false }, finds: ["root", "warning", /not root/] },
  {
    facts: { missingLibraries: ["libmnl.so.0"] },
    finds: ["libraries", "error", /libmnl\.so\.0 is missing/],
  },
  {
    facts: { missingLibraries: ["libnetfilter_conntrack.so.3"] },
    finds: ["libraries", "warning", /conntrack\.so\.3 is missing/],
  },
  {
    facts: { hasConntrack: false },
    finds: ["tracking", "error", /not loaded/],
    fix: "module nf_conntrack",
  },
  {
    facts: { hasConntrack: false, isContainer: true },
    finds: ["tracking", "error", /not loaded/],
  },
  {
    facts: { ctnetlinkProblem: "no such file (ENOENT)" },
    finds: ["tracking", "error", /cannot be read over netlink/],
    fix: "module nf_conntrack_netlink",
  },
  {
    facts: { module: impossible, release: "6.1.0-9-amd64" },
    finds: ["datapath", "error", /6\.1\.0-9-amd64 has no TCX/],
    also: ["module"],
  },
  {
    facts: { module: impossible, bpfProblem: "not implemented" },
    finds: ["datapath", "error", /bpf\(2\) cannot be used/],
    also: ["module", "bpf-jit"],
  },
  {
    facts: { module: impossible },
    setup: withBackend("clusterdev"),
    finds: ["datapath", "error", /clusterdev is configured and cannot be loaded/],
  },
  { facts: { module: impossible }, setup: withBackend("auto"), finds: ["datapath", "ok", /xdp/] },
  { setup: withBackend("clusterdev"), finds: ["datapath", "ok", /clusterdev can be used/] },
  {
    facts: { module: { ...module, present: "0-b" } },
    finds: ["module", "warning", /another source/],
  },
  {
    facts: { module: { ...module, state: "buildable", present: null } },
    finds: ["module", "info", /could be built/],
  },
  { facts: { module: impossible }, finds: ["module", "info", /cannot be used here/] },
  {
    facts: { bpfJit: 0 },
    finds: ["bpf-jit", "warning", /interpreted/],
    fix: "net/core/bpf_jit_enable=1",
  },
], soundSetup);

Deno.test("doctor: a kernel's version is compared by its numbers", () => {
  const of = (release: string) => isAtLeast(release, [6, 6]);
  assertEquals(["6.6.0", "6.10-rc1", "7.0.1"].map(of), [true, true, true]);
  assertEquals(["6.5.13", "5.10.0-30-amd64", "4.19", "?"].map(of), [false, false, false, false]);
});
