/** What takes the module off a system again. */
import { assertEquals } from "../../assert.ts";
import {
  describeRemoval,
  performRemoval,
  planRemoval,
} from "../../../lib/host/kernel_module/remove.ts";
import { Tree } from "../../../lib/host/kernel_module/tree.ts";
import { moduleFile, release, withSystem } from "./fake_system.ts";

const older = "5.10.0-28-amd64";

Deno.test("every kernel's module goes, and the sources; what is not ours stays", () =>
  withSystem({
    [`/lib/modules/${release}/updates/clusterdev.ko`]: moduleFile("1", release),
    [`/lib/modules/${older}/updates/clusterdev.ko`]: moduleFile("1", older),
    [`/lib/modules/${older}/updates/other.ko`]: moduleFile("1", older),
    "/usr/src/clusterdev-0.1.0-01234567/Kbuild": "",
    "/usr/src/clusterdev": "no folder of a version",
  }, (root) => {
    const tree = new Tree(root);
    const words = planRemoval(tree).map(describeRemoval)
      .map((text) => text.replace(/^\S*depmod/, "depmod").replace(root, "ROOT"));
    assertEquals(words, [
      "/usr/src/clusterdev-0.1.0-01234567",
      `/lib/modules/${older}/updates/clusterdev.ko`,
      `depmod -b ROOT ${older}`,
      `/lib/modules/${release}/updates/clusterdev.ko`,
      `depmod -b ROOT ${release}`,
    ]);
    for (const step of planRemoval(tree)) performRemoval(step, tree);
    assertEquals(planRemoval(tree), [], "nothing is left to do");
    assertEquals(tree.exists(`/lib/modules/${older}/updates/other.ko`), true);
    assertEquals(tree.exists("/usr/src/clusterdev"), true);
  }));

Deno.test("nothing to remove where nothing was built", () =>
  withSystem({}, (root) => assertEquals(planRemoval(new Tree(root)), [])));
