/**
 * The programs on one share's interface, and their pins:
 *
 *     DIR/INTERFACE/rodata    the configuration that the programs were loaded with
 *     DIR/INTERFACE/egress    links: steer_egress,
 *     DIR/INTERFACE/xdp       steer_xdp where the driver runs it,
 *     DIR/INTERFACE/ingress   steer_behind_xdp, or steer_ingress without native XDP
 *
 * A program is replaced by an update of its link: no frame passes without one.
 */
import {
  BPF_TCX_EGRESS,
  BPF_TCX_INGRESS,
  BPF_XDP,
  createLink,
  linkInterface,
  lookupElement,
  openPinned,
  pinObject,
  updateLink,
  XDP_FLAGS_DRV_MODE,
} from "../../ffi/bpf.ts";
import { close } from "../../ffi/libc.ts";
import { SystemError } from "../../ffi/library.ts";
import { AvailError } from "../errors.ts";
import type { Link } from "../netlink/rtnetlink.ts";
import { pinName } from "./bpf_fs.ts";
import { createRodata, loadPacked, type Maps } from "./bpf_load.ts";
import type { PackedObject } from "./bpf_object.ts";
import { shareLayout } from "./share_rodata.ts";

/** `native`: XDP in the driver; `tc`: the classifier at tc ingress does all. */
export type SteeringMode = "native" | "tc";

/** Devices above others: their own traffic is only seen at tc ingress. */
const stackedKinds = ["vlan", "bridge", "bond", "team"];

export class SharePrograms {
  readonly #object: PackedObject;
  readonly #maps: Maps;
  readonly #link: Link;
  readonly #content: Uint8Array<ArrayBuffer>;
  readonly #mode: SteeringMode;
  readonly #directory: string;
  /** Descriptor of the constants, while programs are being attached. */
  #rodata = -1;

  /** `content` are the constants (share_rodata.ts); `mode` "tc" does without XDP. */
  constructor(
    object: PackedObject,
    maps: Maps,
    pinDirectory: string,
    link: Link,
    content: Uint8Array<ArrayBuffer>,
    mode: "auto" | "tc",
  ) {
    this.#object = object;
    this.#maps = maps;
    this.#link = link;
    this.#content = content;
    this.#mode = mode === "tc" || stackedKinds.includes(link.kind ?? "") ? "tc" : "native";
    this.#directory = `${pinDirectory}/${pinName(link.name)}`;
  }

  /**
   * What is pinned: `same`: these very programs with this very configuration are attached; `equal`:
   * other programs with this configuration; `other`: something else, or nothing.
   */
  compare(): "same" | "equal" | "other" {
    const pinned = this.#pinnedContent();
    if (pinned === null || !this.#isAttached("egress") || !this.#isAttached("ingress")) {
      return "other";
    }
    const differsAt = pinned.findIndex((byte, i) => byte !== this.#content[i]);
    if (differsAt < 0) return "same";
    return differsAt >= shareLayout.withoutXdp ? "equal" : "other";
  }

  /** How frames come in now. */
  get mode(): SteeringMode {
    return this.#isAttached("xdp") ? "native" : "tc";
  }

  /** First: nothing may leave with a shared address before this is there. */
  attachEgress(): void {
    Deno.mkdirSync(this.#directory, { recursive: true });
    removeIfThere(this.#path("rodata"));
    this.#rodata = createRodata(this.#content);
    this.#attach("egress", "steer_egress", BPF_TCX_EGRESS);
  }

  /** Last: takes frames from now on, as far as responsibility and lease allow. */
  attachIngress(): void {
    if (this.#mode === "native" && this.#attachXdp()) {
      this.#attach("ingress", "steer_behind_xdp", BPF_TCX_INGRESS);
    } else {
      this.#attach("ingress", "steer_ingress", BPF_TCX_INGRESS);
      removeIfThere(this.#path("xdp"));
    }
    pinObject(this.#rodata, this.#path("rodata"));
    close(this.#rodata);
    this.#rodata = -1;
  }

  /** False where the driver has no XDP, or another program is there already. */
  #attachXdp(): boolean {
    try {
      this.#attach("xdp", "steer_xdp", BPF_XDP, XDP_FLAGS_DRV_MODE);
      return true;
    } catch (error) {
      if (error instanceof SystemError && error.operation.startsWith("attach")) return false;
      throw error;
    }
  }

  #attach(pin: string, program: string, attachType: number, flags = 0): void {
    const path = this.#path(pin);
    const fd = loadPacked(this.#object, program, this.#maps, this.#rodata);
    try {
      if (this.#isAttached(pin)) {
        using link = opened(path);
        updateLink(link.fd, fd);
        return;
      }
      removeIfThere(path); // of an interface of that name which is gone
      const link = createLink(fd, this.#link.index, attachType, flags);
      try {
        pinObject(link, path);
      } finally {
        close(link);
      }
    } catch (error) {
      if (attachType === BPF_XDP || !(error instanceof SystemError) || error.code !== "EINVAL") {
        throw error;
      }
      throw new AvailError(
        `attach ${program} to ${this.#link.name}: Linux ${Deno.osRelease()} has no TCX; ` +
          "the xdp backend needs Linux 6.6 or newer; the kernel module does not: avail kmod build",
        { cause: error },
      );
    } finally {
      close(fd);
    }
  }

  #isAttached(pin: string): boolean {
    try {
      using link = opened(this.#path(pin));
      return linkInterface(link.fd) === this.#link.index;
    } catch (error) {
      if (error instanceof SystemError) return false;
      throw error;
    }
  }

  #pinnedContent(): Uint8Array | null {
    try {
      using map = opened(this.#path("rodata"));
      return lookupElement(map.fd, new Uint8Array(4), this.#content.length);
    } catch (error) {
      if (error instanceof SystemError) return null;
      throw error;
    }
  }

  #path(pin: string): string {
    return `${this.#directory}/${pin}`;
  }

  /** Closes what a failed attempt left open. */
  close(): void {
    if (this.#rodata >= 0) close(this.#rodata);
    this.#rodata = -1;
  }
}

/** A pinned object's descriptor, closed at the end of its scope. */
function opened(path: string): { readonly fd: number } & Disposable {
  const fd = openPinned(path);
  return { fd, [Symbol.dispose]: () => close(fd) };
}

/** Takes a pin away; a link that nothing else holds is detached by that. */
export function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
