/** What only the xdp backend has: programs that are replaced in place, and pins. */
import { BucketSet } from "../../lib/ownership/bucket_set.ts";
import { assertEquals, assertGreater } from "../assert.ts";
import { NodeProcess } from "./steering_lab.ts";
import { identities } from "./steering_snapshot.ts";
import {
  aDayMs,
  expectedModes,
  netnsTest,
  pingFromAll,
  startThirds,
  thirds,
} from "./steering_traffic.ts";

netnsTest("another configuration replaces the programs in place", async (lab) => {
  await startThirds(lab);
  const before = await identities(lab, 1);
  await lab.processes.get(1)!.end("keep");
  const changed = await lab.start(1, { seed: [1, 2] });
  assertEquals(changed.hello.adopted, null);
  assertEquals(await identities(lab, 1), before); // updated in place

  // From native XDP to tc and back, on the same datapath.
  await changed.own(thirds[1]);
  await changed.lease(aDayMs);
  for (const mode of ["tc", "auto"] as const) {
    await lab.processes.get(1)!.end("keep");
    await lab.start(1, { seed: [1, 2], mode });
    assertEquals(lab.processes.get(1)!.hello.modes, expectedModes(mode));
  }
}, "xdp");

netnsTest(
  "what an older program left without counters by bucket is adopted, and counts",
  async (lab) => {
    await startThirds(lab);
    const before = await identities(lab, 1);
    await lab.processes.get(1)!.end("keep");
    const pins = Array.from(Deno.readDirSync(`${lab.runDir(1)}/bpf`), ({ name }) => name);
    const [loads] = pins.filter((name) => name.startsWith("loads"));
    Deno.removeSync(`${lab.runDir(1)}/bpf/${loads}`);
    const { hello } = await lab.start(1);
    assertGreater(hello.adopted!.leaseUntil, 0);
    assertEquals(hello.adopted!.responsibility, BucketSet.of(thirds[1]).toHex());
    assertEquals(await identities(lab, 1), before);
    await pingFromAll(lab, 4, "10.1.0.100");
    const { packets } = await lab.processes.get(1)!.load();
    assertGreater(packets.reduce((sum, count) => sum + count, 0), 0);
  },
  "xdp",
);

netnsTest("pins lie in the system's bpf file system, or in one of their own", async (lab) => {
  const options = { ...lab.options(1), runDir: `${lab.directory}/own.dir` };
  const withSystemFs = ["sh", "-c", 'mount -t bpf bpf /sys/fs/bpf && exec "$@"', "sh"];
  for (const wrapper of [[], withSystemFs]) {
    const process = await NodeProcess.start(lab.name("n1"), options, wrapper);
    const expected = wrapper.length > 0
      ? `/sys/fs/bpf/avail${lab.directory.replaceAll("/", "_")}_own:dir`
      : `${options.runDir}/bpf`;
    assertEquals(await process.order({ do: "pins" }), expected);
    await process.order({ do: "detach" });
    assertEquals(await process.order({ do: "pins" }), null);
    await process.kill();
    assertEquals([...Deno.readDirSync(options.runDir)], []);
  }
}, "xdp");
