/** Whether this kernel can do what avail asks of it, and by which datapath. */
import type { Group } from "./check.ts";
import { fail, fine, note, type Outcome, setting, warn } from "./finding.ts";
import type { Setup } from "./setup.ts";
import { list } from "./words.ts";

export interface KernelFacts {
  readonly isRoot: boolean;
  /** As `uname -r` says. */
  readonly release: string;
  readonly isContainer: boolean;
  /** Whether this network namespace has nf_conntrack. */
  readonly hasConntrack: boolean;
  /** Why the table cannot be read over netlink; null: it can, or nobody asked. */
  readonly ctnetlinkProblem: string | null;
  /** Why bpf(2) does not work; null: it does. */
  readonly bpfProblem: string | null;
  /** net.core.bpf_jit_enable; null where the kernel does not say. */
  readonly bpfJit: number | null;
  readonly module: ModuleFacts;
  /** Sonames of libraries that are missing. */
  readonly missingLibraries: readonly string[];
}

/** What `avail kmod status` says. */
export interface ModuleFacts {
  readonly state: "loaded" | "loadable" | "buildable" | "impossible";
  /** Of the source in this program. */
  readonly version: string;
  /** Of the module in the kernel, else of the one that would be loaded; null: not known. */
  readonly present: string | null;
  readonly obstacles: readonly { readonly problem: string; readonly remedy: string }[];
}

export const kernelGroup: Group<"kernel", KernelFacts> = {
  name: "kernel",
  title: "Kernel",
  checks: [
    { id: "root", brief: "this program may look at everything", examine: root },
    { id: "libraries", brief: "the C libraries are installed", examine: libraries },
    {
      id: "tracking",
      brief: "the kernel tracks connections and lets us at them",
      examine: tracks,
    },
    { id: "datapath", brief: "one of the datapaths can be used", examine: datapath },
    { id: "module", brief: "the kernel module clusterdev", examine: module },
    { id: "bpf-jit", brief: "BPF programs are compiled", examine: bpfJit },
  ],
};

function root({ isRoot }: KernelFacts): Outcome[] {
  if (isRoot) return [];
  return [
    warn("this is not root: what only root may see was not looked at", {
      why: "the firewall, the conntrack table, the key file and the daemon are root's",
      remedy: "run it as root",
      commands: ["sudo avail doctor"],
    }),
  ];
}

function libraries({ missingLibraries }: KernelFacts): Outcome[] {
  if (missingLibraries.length === 0) return [fine("the C libraries are there")];
  const isNeeded = missingLibraries.some((name) => !name.includes("conntrack"));
  const make = isNeeded ? fail : warn;
  return [
    make(`${list(missingLibraries)} ${missingLibraries.length > 1 ? "are" : "is"} missing`, {
      why: isNeeded
        ? "avail run speaks with the kernel through it"
        : "avail flows shows connections with it; nothing else needs it",
      remedy: "install the packages (Debian's names)",
      commands: [`apt-get install ${missingLibraries.map(packageOf).join(" ")}`],
    }),
  ];
}

function packageOf(soname: string): string {
  return soname.includes("conntrack") ? "libnetfilter-conntrack3" : "libmnl0";
}

function tracks({ hasConntrack, ctnetlinkProblem, isContainer }: KernelFacts): Outcome[] {
  if (!hasConntrack) {
    return [
      fail("connection tracking (nf_conntrack) is not loaded", {
        why: "connections are replicated from and into its table; avail run does not start without",
        remedy: isContainer ? "load it on the host of this container" : "load it",
        commands: ["modprobe nf_conntrack"],
        ...(isContainer ? {} : { fix: { kind: "module", name: "nf_conntrack" } as const }),
      }),
    ];
  }
  if (ctnetlinkProblem === null) return [fine("connection tracking is loaded and can be read")];
  return [
    fail("the connection table cannot be read over netlink", {
      why: "replication reads and writes it over ctnetlink",
      remedy: "load the module, or use a kernel with CONFIG_NF_CT_NETLINK",
      commands: ["modprobe nf_conntrack_netlink"],
      evidence: ctnetlinkProblem,
      ...(isContainer ? {} : { fix: { kind: "module", name: "nf_conntrack_netlink" } as const }),
    }),
  ];
}

/** tc programs by links (TCX), on which the xdp backend builds. */
const tcxSince = [6, 6] as const;

function datapath(facts: KernelFacts, { config, status }: Setup): Outcome[] {
  const { module, release, bpfProblem } = facts;
  const hasModule = module.state === "loaded" || module.state === "loadable";
  const hasTcx = isAtLeast(release, tcxSince);
  const hasXdp = hasTcx && bpfProblem === null;
  const wanted = config?.datapath.backend ?? "auto";
  const found = status === null ? null : `avail run uses ${status.datapath.backend}`;
  if (wanted === "clusterip") {
    return [
      note("the clusterip datapath knows no lease", {
        why: "a daemon that hangs goes on answering for its slots beside the node that takes over",
        remedy: "when the take-over from CLUSTERIP is done, go on to clusterdev or xdp " +
          "(docs/operating.md)",
      }),
    ];
  }
  if (wanted === "clusterdev" ? hasModule : wanted === "xdp" ? hasXdp : hasModule || hasXdp) {
    return [fine(found ?? `${hasModule ? "clusterdev" : "xdp"} can be used`)];
  }
  const why = "without a datapath, avail run does not start";
  if (wanted === "clusterdev") {
    return [
      fail("the kernel module clusterdev is configured and cannot be loaded", {
        why,
        remedy: 'see "module" below, or set datapath.backend = "auto"',
        commands: ["avail kmod status"],
      }),
    ];
  }
  return [
    fail(
      hasTcx
        ? "bpf(2) cannot be used, and there is no kernel module"
        : `Linux ${release} has no TCX, which the xdp datapath needs, and there is no module`,
      {
        why,
        remedy: "build the kernel module, or boot Linux 6.6 or newer",
        commands: ["avail kmod build"],
        evidence: hasTcx ? bpfProblem ?? undefined : undefined,
      },
    ),
  ];
}

function module({ module }: KernelFacts, { config, status }: Setup): Outcome[] {
  const backend = status?.datapath.backend ?? config?.datapath.backend ?? "auto";
  if (backend === "clusterip") return [];
  const evidence = module.obstacles.map(({ problem }) => problem).join("; ") || undefined;
  switch (module.state) {
    case "loaded":
    case "loadable":
      if (module.present === null || module.present === module.version) {
        return [fine(`clusterdev is ${module.state === "loaded" ? "loaded" : "installed"}`)];
      }
      return [
        warn("clusterdev was made of another source than this program's", {
          why: "they are tested together only; a new avail may need what the old module lacks",
          remedy: "build the new one; it is used after a reboot, or an exchange on a drained node",
          commands: ["avail kmod build"],
          evidence: `module ${module.present}, program ${module.version}`,
        }),
      ];
    case "buildable":
      return [
        note("clusterdev is not installed, and could be built", {
          why: "it refuses a frame of another node at less cost than tc, works on every Ethernet " +
            "device, and on Linux 5.10 and newer",
          remedy: "optional: build it, then restart avail run on a drained node",
          commands: ["avail kmod build"],
        }),
      ];
    case "impossible":
      return [
        note("clusterdev cannot be used here as it is", {
          why: "the xdp datapath does without it",
          remedy: module.obstacles[0]?.remedy ?? "see avail kmod status",
          commands: ["avail kmod status"],
          evidence,
        }),
      ];
  }
}

function bpfJit({ bpfJit, bpfProblem }: KernelFacts, { config }: Setup): Outcome[] {
  if (bpfJit === null || bpfProblem !== null || config?.datapath.backend === "clusterdev") {
    return [];
  }
  if (bpfJit > 0) return [fine("BPF programs are compiled")];
  return [
    warn("BPF programs are interpreted (net.core.bpf_jit_enable = 0)", {
      why: "every frame of the shares passes a program, on every node; interpreted, it takes " +
        "several times as long",
      remedy: "have the kernel compile them",
      ...setting("net/core/bpf_jit_enable", 1),
    }),
  ];
}

/** Whether a release such as `6.1.0-9-amd64` is at least that version. */
export function isAtLeast(release: string, [major, minor]: readonly [number, number]): boolean {
  const [, a = "0", b = "0"] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return Number(a) > major || (Number(a) === major && Number(b) >= minor);
}
