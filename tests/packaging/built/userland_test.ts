/** The whole program out of the one file, on this machine's system and on those that have been fetched. */
import { assert, assertEquals } from "../../assert.ts";
import { fetchedUserlands } from "../userlands.ts";
import { OneFile } from "./one_file.ts";
import { cLibraryVersion, trialSteps, tryUserland } from "./userland.ts";

Deno.test({
  name: "the one file is the whole program",
  ignore: Deno.uid() !== 0,
  async fn(t) {
    await using file = await OneFile.build();
    await t.step("on this machine", async () => {
      const { isGood, steps, words } = await tryUserland("/", file.path);
      assertEquals([isGood, steps], [true, trialSteps], words);
    });
    await t.step("where nothing can be written to: from memory", async () => {
      const env = { AVAIL_LAUNCH_DEBUG: "1" };
      const { isGood, steps, words } = await tryUserland("/", file.path, "read-only", env);
      assertEquals([isGood, steps], [true, trialSteps], words);
      assert(!words.includes("running from /"), words);
      assert(words.includes("running from memory"), words);
    });
    for (const { name, tree } of fetchedUserlands()) {
      await t.step(`${name}, C library ${await cLibraryVersion(tree)}`, async () => {
        const { isGood, steps, words } = await tryUserland(tree, file.path);
        assertEquals([isGood, steps], [true, trialSteps], words);
      });
    }
    await t.step("the demo's processes are all of the one file", async () => {
      const { code, stdout, stderr } = await file.run(
        ...["demo", "--fast", "--connections", "20", "--json"],
      );
      assertEquals(code, 0, stderr);
      assertEquals(JSON.parse(stdout.trimEnd().split("\n").at(-1)!).schema, 1);
    });
  },
});
