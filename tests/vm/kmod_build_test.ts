/** `avail kmod build` against the headers of a kernel that is not the running one. */
import { packSource } from "../../kmod/clusterdev/pack.ts";
import { buildModule } from "../../lib/host/kernel_module/build.ts";
import { gatherFacts } from "../../lib/host/kernel_module/status.ts";
import { assertEquals } from "../assert.ts";
import { kernels } from "./kernels.ts";
import { obstacle } from "./obstacle.ts";
import { obtain } from "./obtain.ts";

const why = obstacle();

Deno.test({
  name: `the packed source builds and is installed${why === null ? "" : ` (skipped: ${why})`}`,
  ignore: why !== null,
  fn: async () => {
    const spec = kernels.find(({ name }) => name === "6.1")!;
    const { release, tree } = await obtain(spec);
    const root = await Deno.makeTempDir({ prefix: "avail_kmod_" });
    try {
      await Deno.mkdir(`${root}/lib/modules/${release}`, { recursive: true });
      const packed = packSource();
      const headers = `${tree}/usr/src/linux-headers-${release}`;
      const target = { root, headers, release };
      const report = { step: () => {}, output: () => {} };
      await buildModule(packed, target, { jobs: 2 }, report);
      const { installed } = gatherFacts(target).kernel;
      assertEquals([installed?.version, installed?.release], [packed.version, release]);
      assertEquals(installed?.isIndexed, true);
      assertEquals((await buildModule(packed, target, { jobs: 2 }, report)).steps, []);
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});
