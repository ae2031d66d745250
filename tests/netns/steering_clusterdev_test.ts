/** What only the clusterdev backend has: devices, their page, and interfaces that are taken. */
import { assert, assertEquals, assertMatch, assertRejects } from "../assert.ts";
import { must, range, run, testBackend } from "./steering_lab.ts";
import { differences, identities, snapshot } from "./steering_snapshot.ts";
import { aDayMs, netnsTest, pingFromAll, startThirds } from "./steering_traffic.ts";

const clusterdevTest: typeof netnsTest = (name, body) => netnsTest(name, body, "clusterdev");

clusterdevTest("devices are as the shares need them", async (lab) => {
  for (const family of ["ipv4", "ipv6"]) {
    await lab.set("n1", `${family}/conf/default/forwarding`, 0);
  }
  await lab.set("n1", "ipv4/conf/all/rp_filter", 1);
  const setting = async (name: string) =>
    (await lab.inside("n1", "cat", `/proc/sys/net/${name}`)).out.trim();
  const before = await setting("ipv4/conf/in/rp_filter");
  await lab.start(1);
  const shown = await must("ip", "-n", lab.name("n1"), "-d", "link", "show", "cluster0");
  assertMatch(shown, /cluster0@in: .*[<,]UP[,>]/);
  assertMatch(shown, /link\/ether 01:00:5e:01:01:01/);
  assertMatch(shown, /clusterdev .*addrgenmode none/s);
  const addresses = await must("ip", "-n", lab.name("n1"), "address", "show", "cluster0");
  assertMatch(addresses, /inet 10\.1\.0\.100\/32/);
  assertMatch(addresses, /inet6 fd01::100\/128 .*deprecated/);
  assert(!addresses.includes("fe80"), addresses);
  for (
    const [name, expected] of [
      ["ipv4/conf/cluster0/rp_filter", "2"],
      ["ipv4/conf/cluster0/arp_ignore", "1"],
      ["ipv4/conf/cluster0/forwarding", "1"],
      ["ipv6/conf/cluster0/forwarding", "1"],
      ["ipv6/conf/cluster0/accept_ra", "0"],
      // The control: the interface below keeps its own.
      ["ipv4/conf/in/rp_filter", before],
    ]
  ) {
    assertEquals(await setting(name), expected, name);
  }
});

clusterdevTest("one page serves all devices, also after it was adopted", async (lab) => {
  await lab.start(1);
  for (const round of ["new", "adopted"]) {
    const process = lab.processes.get(1)!;
    assertEquals(process.hello.adopted === null, round === "new");
    for (const buckets of [range(0, 256), []]) {
      await process.own(buckets, buckets.length + 1);
      await process.lease(aDayMs);
      const received = buckets.length > 0 ? 90 : 0;
      assertEquals(await pingFromAll(lab, 4, "10.1.0.100"), { received, duplicates: 0 }, round);
      // Through both shares: the way back is by the second device.
      assertEquals(await pingFromAll(lab, 4, "10.2.0.200"), { received, duplicates: 0 }, round);
    }
    if (round === "adopted") return;
    await process.kill();
    const { hello } = await lab.start(1);
    assertEquals(hello.adopted?.epoch, 1);
  }
});

clusterdevTest(
  "interfaces that are taken, and names that are, leave nothing behind",
  async (lab) => {
    const ip = (...words: string[]) => must("ip", "-n", lab.name("n1"), ...words);
    const attempt = async (says: RegExp) => {
      const before = await snapshot(lab, 1);
      const error = await assertRejects(() => lab.start(1));
      assertMatch(error.message, says);
      assertEquals(differences(before, await snapshot(lab, 1)), []);
    };
    await ip("link", "add", "cluster1", "type", "veth", "peer", "name", "other");
    await attempt(/^AvailError: make cluster1: there is a veth interface .* ip link del cluster1$/);
    await ip("link", "del", "cluster1");

    await ip("link", "add", "br0", "type", "bridge");
    await ip("link", "set", "out", "master", "br0");
    await attempt(
      /^AvailError: make cluster1 on out: make device: .*EBUSY.* out is a port of the bridge br0; make br0/,
    );
    await ip("link", "set", "out", "nomaster");
    if (
      (await run("ip", "-n", lab.name("n1"), "link", "add", "mv", "link", "out", "type", "macvlan"))
        .code === 0
    ) {
      await attempt(/EBUSY.* the macvlan mv takes the frames of out; remove it: ip link del mv/);
      await ip("link", "del", "mv");
    }
    await lab.start(1); // the control
  },
);

clusterdevTest("shares that change places find their devices", async (lab) => {
  await startThirds(lab);
  const before = await identities(lab, 1);
  await lab.processes.get(1)!.end("keep");
  const shares = lab.options(1).shares.toReversed();
  const { hello } = await lab.start(1, { shares });
  assertEquals(hello.adopted, null);
  assertEquals(hello.modes, [["out", "cluster0"], ["in", "cluster1"]]);
  const after = await identities(lab, 1);
  assertEquals([before.length, after.length], [2, 2]);
  assertEquals(before.filter((each) => after.includes(each)), []);
});

clusterdevTest("the other backend's remains go first", async (lab) => {
  const before = await snapshot(lab, 1);
  const process = await lab.start(1);
  await process.own(range(0, 256));
  await process.lease(aDayMs);
  await process.kill();
  const xdp = await lab.start(1, { backend: "xdp" }).catch((error) => error as Error);
  assertEquals(await identities(lab, 1), []);
  if (xdp instanceof Error) {
    // This kernel has no TCX: then the failed attempt has left nothing, either.
    lab.processes.delete(1);
  } else {
    assertEquals([xdp.hello.backend, xdp.hello.adopted], ["xdp", null]);
    await xdp.kill();
    const back = await lab.start(1);
    assertEquals([back.hello.backend, back.hello.adopted], [testBackend, null]);
    await back.end("detach");
    lab.processes.delete(1);
  }
  assertEquals(differences(before, await snapshot(lab, 1)), []);
});
