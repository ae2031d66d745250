import { tarOf } from "../../lib/report/tar.ts";
import { assertEquals, assertThrows } from "../assert.ts";

Deno.test("tar(1) unpacks what was packed", async () => {
  const files = [
    { name: "folder/empty.txt", bytes: new Uint8Array() },
    { name: "folder/sub/one.bin", bytes: Uint8Array.from({ length: 1000 }, (_, i) => i & 0xff) },
    { name: "folder/block.txt", bytes: new TextEncoder().encode("x".repeat(512)) },
    { name: `folder/${"n".repeat(93)}`, bytes: new TextEncoder().encode("long name") },
  ];
  const directory = await Deno.makeTempDir();
  try {
    const archive = `${directory}/a.tar`;
    await Deno.writeFile(archive, tarOf(files, 1_600_000_000));
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command("tar", { args }).output();
      assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
      return new TextDecoder().decode(stdout);
    };
    const list = await run("--utc", "--numeric-owner", "-tvf", archive);
    assertEquals(
      list.split("\n")[1],
      "-rw------- 0/0            1000 2020-09-13 12:26 folder/sub/one.bin",
    );
    await run("-xf", archive, "-C", directory);
    for (const { name, bytes } of files) {
      assertEquals(await Deno.readFile(`${directory}/${name}`), bytes, name);
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a name that does not fit is refused", () => {
  const file = { name: "n".repeat(101), bytes: new Uint8Array() };
  assertThrows(() => tarOf([file], 0), RangeError, "100 bytes at most");
});
