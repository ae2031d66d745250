/** From what a guest needs to the archive that it boots with. */
import { buildModule, type ModuleSource } from "./build_module.ts";
import { locked, root } from "./cache.ts";
import { bundle } from "./deno_program.ts";
import { packInitramfs } from "./initramfs.ts";
import type { Kernel } from "./obtain.ts";
import { buildProgram } from "./program.ts";

export interface Needs {
  /** Its script is `guest/NAME.sh`, and `/test/NAME.sh` in the guest. */
  readonly name: string;
  /** Modules of the kernel that the guest gets; those that a kernel does not have are left out. */
  readonly modules?: readonly string[];
  /** Modules of this project. */
  readonly builds?: readonly ModuleSource[];
  /** C programs, `guest/NAME.c` or the folder `guest/NAME`; the guest has them in its PATH. */
  readonly programs?: readonly string[];
  /** More files and folders by their paths in the guest. */
  readonly files?: Readonly<Record<string, string>>;
  /** Modules of the project that the guest gets as bundles, by the bundles' paths there. */
  readonly bundles?: Readonly<Record<string, string>>;
}

const guestFolder = `${root}tests/vm/guest`;

/**
 * Builds what is to be built and packs it.
 * @returns The archive's path, for boot().
 * @throws {BuildFailure} If a module does not build.
 */
export function prepare(kernel: Kernel, needs: Needs): Promise<string> {
  return locked(`prepare-${kernel.spec.name}`, async () => {
    const builtModules: string[] = [];
    for (const source of needs.builds ?? []) builtModules.push(await buildModule(kernel, source));
    const bundles = await bundle(needs.bundles ?? {});
    const files: Record<string, string> = { ...needs.files, ...bundles };
    for (const name of ["init.sh", "lib.sh", `${needs.name}.sh`]) {
      files[`/test/${name}`] = `${guestFolder}/${name}`;
    }
    for (const name of needs.programs ?? []) {
      files[`/test/${name}`] = await buildProgram(`${guestFolder}/${name}`);
    }
    const modules = needs.modules ?? [];
    return await packInitramfs(kernel, needs.name, { modules, builtModules, files });
  });
}
