/** The tests that run in the guest, and what each needs. */
import { vectorsHeader } from "../vectors/kernel_header.ts";
import { root } from "./cache.ts";
import { denoFiles, systemTools } from "./deno_program.ts";
import type { ModuleSource } from "./build_module.ts";
import type { Needs } from "./prepare.ts";
import { which } from "./process.ts";

export interface GuestTest extends Needs {
  /** Names of the kernels that it runs on; default: all. */
  readonly kernels?: readonly string[];
  readonly smp?: number;
  readonly memoryMb?: number;
  readonly commandLine?: readonly string[];
  readonly qemuArgs?: readonly string[];
  /** Generous: the emulator is slow, and the machine may be busy. */
  readonly deadlineMs: number;
  /** It takes minutes, or is a part of another one: it runs only where it is named. */
  readonly isOnDemand?: boolean;
  /** The run must fail, with this line in the kernel's log: a test of the test. */
  readonly mustBeCaught?: RegExp;
}

/** The module in `folder`, with the headers beside it that it shares with BPF and user space. */
export function clusterdevIn(folder: string): ModuleSource {
  const beside = folder.replace(/\/[^/]*\/?$/, "");
  const headers = [...Deno.readDirSync(beside)].map((entry) => entry.name)
    .filter((name) => name.endsWith(".h")).toSorted();
  return { name: "clusterdev", folder, shared: headers.map((name) => `${beside}/${name}`) };
}

/** A debug build: it does not load where a vector of the bucket function does not hold. */
function withVectors(source: ModuleSource, vectors: string): ModuleSource {
  return {
    ...source,
    variables: { CLUSTERDEV_DEBUG: "y" },
    generated: { "vectors.h": vectors },
  };
}

const shipped = clusterdevIn(`${root}kmod/clusterdev`);
export const clusterdev = withVectors(shipped, vectorsHeader());
/** One bucket is not the one that the first vector expects. */
const wrongVector = withVectors(
  shipped,
  vectorsHeader().replace(/(?<=\.expected = )\d+/, (bucket) => String(255 - Number(bucket))),
);

/** Holds RTNL for as long as it is told. */
const holdRtnl: ModuleSource = { name: "hold_rtnl", folder: `${root}tests/vm/hold` };

/** Slab caches are checked for writes out of bounds and after freeing; KFENCE where there is one. */
const suspicious = ["slub_debug=FZP", "kfence.sample_interval=10"];

const guestFolder = `${root}tests/vm/guest`;

/** What scripts source, by their paths in the guest. */
function sourced(...names: string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [`/test/${name}.sh`, `${guestFolder}/${name}.sh`]));
}

/** The program as a checkout has it, below /avail; a test of it beside the lab that it builds. */
function programBundles(test: string): Record<string, string> {
  return {
    "/avail/cli/main.js": "cli/main.ts",
    "/avail/cli/core_worker.js": "lib/host/core_worker.ts",
    "/avail/cli/demo/traffic_process.js": "cli/demo/traffic_process.ts",
    [`/avail/cli/demo/${test}.js`]: `tests/vm/guest/${test}.ts`,
  };
}

/** The namespace tests, and the processes that they start beside themselves. */
const netnsBundles = {
  "/avail/tests/netns/steering.js": "tests/vm/guest/steering.ts",
  ...Object.fromEntries(
    ["node_process", "tcp_process", "settings_process", "frame_process"]
      .map((name) => [`/avail/tests/netns/${name}.js`, `tests/netns/${name}.ts`]),
  ),
  "/avail/lib/host/attach_datapath.js": "lib/host/attach_datapath.ts",
};

const denoGuest = {
  files: {
    ...sourced("deno"),
    ...denoFiles(),
    ...systemTools("ping", "sysctl", "mount", "umount"),
    "/etc/protocols": `${guestFolder}/protocols`,
    // Beside bundles in cli/ and in tests/netns/, two folders up.
    "/build/steer.bpf.json": `${root}build/steer.bpf.json`,
    "/avail/build/steer.bpf.json": `${root}build/steer.bpf.json`,
  },
  smp: 2,
  memoryMb: 512,
} as const;

/** A tool without which a script leaves a part out. */
function ifInstalled(name: string): Record<string, string> {
  const path = which(name);
  return path === null ? {} : { [`/usr/bin/${name}`]: path };
}

const clusterModules = ["veth", "bridge", "8021q", "nf_conntrack_netlink", "nf_tables", "nft_ct"];

const steeringGuest = {
  ...denoGuest,
  kernels: ["6.1"],
  modules: [...clusterModules, "bonding", "macvlan"],
  builds: [clusterdev],
  bundles: netnsBundles,
};

/** Short tests of the device by itself; `device` runs them all in one guest. */
const deviceParts = ["smoke", "refusals", "lifecycle", "rtnl"];

export const guestTests: readonly GuestTest[] = [
  {
    name: "device",
    modules: ["veth", "bridge", "macvlan", "dummy", "bonding"],
    builds: [clusterdev, holdRtnl],
    programs: ["clusterctl"],
    files: sourced(...deviceParts),
    commandLine: suspicious,
    deadlineMs: 300_000,
  },
  {
    name: "smoke",
    modules: ["veth"],
    builds: [clusterdev],
    commandLine: suspicious,
    isOnDemand: true,
    deadlineMs: 120_000,
  },
  {
    name: "warn",
    kernels: ["6.1"],
    builds: [{ name: "avail_warn", folder: `${root}tests/vm/warn` }],
    mustBeCaught: /^WARNING: .*avail_warn_init/,
    deadlineMs: 120_000,
  },
  {
    name: "vectors",
    kernels: ["6.1"],
    builds: [wrongVector],
    deadlineMs: 120_000,
  },
  {
    name: "cluster",
    modules: clusterModules,
    builds: [clusterdev],
    programs: ["clusterctl"],
    files: {
      ...sourced(
        "cluster_lab",
        "cluster_neighbours",
        "cluster_service",
        "cluster_router",
        "cluster_device",
      ),
      ...ifInstalled("ethtool"),
    },
    commandLine: ["kfence.sample_interval=10"],
    deadlineMs: 400_000,
  },
  {
    name: "kmod",
    kernels: ["6.1"],
    modules: ["veth"],
    builds: [clusterdev],
    files: {
      ...sourced("deno"),
      ...denoFiles(),
      "/avail/build/clusterdev.json": `${root}build/clusterdev.json`,
    },
    bundles: { "/avail/tests/vm/guest/kmod.js": "tests/vm/guest/kmod.ts" },
    memoryMb: 512,
    deadlineMs: 400_000,
  },
  {
    ...steeringGuest,
    name: "steering",
    deadlineMs: 400_000,
  },
  {
    ...steeringGuest,
    name: "steering_all",
    commandLine: suspicious,
    isOnDemand: true,
    deadlineMs: 1_200_000,
  },
  {
    ...denoGuest,
    name: "daemons",
    kernels: ["6.1"],
    modules: clusterModules,
    builds: [clusterdev],
    bundles: programBundles("daemons"),
    deadlineMs: 600_000,
  },
  {
    ...denoGuest,
    name: "mixed",
    // XDP's other half is a tc program that is attached by a link, as kernels do from 6.6 on.
    kernels: ["6.12"],
    modules: clusterModules,
    builds: [clusterdev],
    bundles: programBundles("mixed"),
    deadlineMs: 600_000,
  },
  {
    ...denoGuest,
    name: "clusterip",
    kernels: ["6.1"],
    modules: ["veth", "bridge", "iptable_filter", "ipt_CLUSTERIP", "nf_conntrack_netlink"],
    bundles: programBundles("clusterip"),
    deadlineMs: 600_000,
  },
  {
    name: "refusals",
    modules: ["veth", "bridge", "macvlan", "dummy", "bonding"],
    builds: [clusterdev],
    programs: ["clusterctl"],
    commandLine: suspicious,
    isOnDemand: true,
    deadlineMs: 120_000,
  },
  {
    name: "lifecycle",
    modules: ["veth", "bridge"],
    builds: [clusterdev],
    programs: ["clusterctl"],
    commandLine: suspicious,
    isOnDemand: true,
    deadlineMs: 120_000,
  },
  {
    name: "stress",
    modules: ["veth", "nf_conntrack"],
    builds: [clusterdev],
    programs: ["clusterctl"],
    smp: 2,
    commandLine: ["slub_debug=FZPU", "kfence.sample_interval=1"],
    deadlineMs: 180_000,
  },
  {
    name: "rtnl",
    modules: ["veth"],
    builds: [clusterdev, holdRtnl],
    programs: ["clusterctl"],
    commandLine: suspicious,
    isOnDemand: true,
    deadlineMs: 120_000,
  },
];

/** Those that run where none is named. */
export const regularTests = guestTests.filter((test) => !test.isOnDemand);
