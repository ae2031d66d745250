/** The kernels that the module is tested on, and where each comes from. */
import type { Suite } from "./apt.ts";

export interface KernelSpec {
  /** Also its name on the command line. */
  readonly name: string;
  readonly suites: readonly Suite[];
  /** Names of its image packages; the newest version counts. */
  readonly image: RegExp;
  /**
   * Where modules are built: with this system's compiler, or, where the kernel's build tools need a
   * newer C library, in a private root with its own, which is unpacked beside it.
   */
  readonly buildRoot: "host" | "private";
}

const debian = (name: string): Suite => ({ archive: "debian", name });
const security = (name: string): Suite => ({ archive: "debian-security", name });

/** From the oldest to the newest. */
export const kernels: readonly KernelSpec[] = [
  {
    name: "5.10",
    suites: [debian("bullseye"), security("bullseye-security")],
    image: /^linux-image-5\.10\.\d.*-cloud-amd64$/,
    buildRoot: "host",
  },
  {
    name: "6.1",
    suites: [debian("bookworm"), security("bookworm-security")],
    image: /^linux-image-6\.1\.\d.*-cloud-amd64$/,
    buildRoot: "host",
  },
  {
    name: "6.12",
    suites: [debian("bookworm-backports"), security("bookworm-security")],
    image: /^linux-image-6\.12\.\d.*-cloud-amd64$/,
    buildRoot: "host",
  },
  {
    name: "newest",
    suites: [debian("trixie"), security("trixie-security"), debian("trixie-backports")],
    image: /^linux-image-\d.*-cloud-amd64$/,
    buildRoot: "private",
  },
];
