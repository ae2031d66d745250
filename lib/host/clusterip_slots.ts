/**
 * Switches the slots of all shared addresses of this node together.
 *
 * A rule that is flushed and made again comes back with the slots that stand in it, and a cluster
 * manager that was forgotten may add some of its own: so what the kernel has is read before each
 * change, and `switchTo` can be called again to mend it.
 */
import { AvailError } from "../errors.ts";
import type { SlotFiles } from "./clusterip_kernel.ts";

export class ClusteripSlots {
  constructor(readonly addresses: readonly string[], readonly files: SlotFiles) {}

  /** The slots that are on for every address; null where the addresses differ. */
  current(): readonly number[] | null {
    const [first = [], ...others] = this.addresses.map((address) => this.files.read(address) ?? []);
    return others.every((slots) => slots.join() === first.join()) ? first : null;
  }

  /**
   * Switches on these slots and no others; removals come first. An address without a rule is left out.
   * `beforeChange` is called before anything is changed, and not where nothing is.
   */
  switchTo(wanted: readonly number[], beforeChange: () => void): void {
    const open = this.addresses.flatMap((address) => {
      const on = this.files.read(address);
      if (on === null) return [];
      const less = on.filter((slot) => !wanted.includes(slot));
      const more = wanted.filter((slot) => !on.includes(slot));
      return less.length + more.length > 0 ? [{ address, less, more }] : [];
    });
    if (open.length === 0) return;
    beforeChange();
    for (const { address, less } of open) for (const slot of less) this.#write(address, "-", slot);
    for (const { address, more } of open) for (const slot of more) this.#write(address, "+", slot);
  }

  /** A slot that somebody else has just switched the same way makes the write fail, and is right. */
  #write(address: string, change: "+" | "-", slot: number): void {
    try {
      this.files.write(address, change, slot);
    } catch (cause) {
      const on = this.files.read(address);
      if (on === null || on.includes(slot) === (change === "+")) return;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new AvailError(`switch CLUSTERIP slot ${change}${slot} of ${address}: ${why}`, {
        cause,
      });
    }
  }
}
