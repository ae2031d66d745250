import type { MemberStatus, Status } from "../../lib/control.ts";
import { type ClusterFacts, clusterGroup } from "../../lib/doctor/cluster.ts";
import { safeStatus } from "../cli/statuses.ts";
import { testGroup } from "./group_cases.ts";
import { configOf, soundSetup, stoppedSetup, vitals } from "./setups.ts";

const [first, second, third] = safeStatus.members;
const withStatus = (change: Partial<Status>) => ({ status: { ...safeStatus, ...change } });
const withSecond = (change: Partial<MemberStatus>) =>
  withStatus({ members: [first, { ...second, ...change }, third] });
const cut = withStatus({
  replication: {
    ...safeStatus.replication,
    peers: safeStatus.replication.peers.map((peer) => ({
      ...peer,
      connected: peer.name !== "fw2",
    })),
  },
});
const majority = (nodes: number) => ({
  config: configOf((text) =>
    text.replace("[node]", `partition = "majority"\nnodes = ${nodes}\n[node]`)
  ),
});

const keys = {
  sends: 2,
  keys: [{ id: 2, check: "0badcafe" }],
  peers: [{ name: "fw2", keyId: 2 }, { name: "fw3", keyId: null }],
};
const sound: ClusterFacts = { tried: [], keys };

testGroup(clusterGroup, sound, [
  { setup: stoppedSetup, finds: ["daemon", "warning", /not running/] },
  {
    setup: { ...stoppedSetup, daemonProblem: "no answer within 3000 ms" },
    finds: ["daemon", "error", /does not answer/],
  },
  { setup: withStatus({ members: [first] }), finds: ["members", "warning", /no other node/] },
  { setup: majority(4), finds: ["members", "info", /even number of nodes \(4\)/] },
  {
    setup: majority(2),
    finds: ["members", "warning", /there are 3 nodes, and cluster\.nodes says 2/],
  },
  { setup: majority(3), finds: ["members", "ok", /fw2 and fw3 are heard/] },
  {
    setup: withSecond({ differs: ["shares", "nat"], differsFrom: ["fw1", "fw3"] }),
    finds: ["agreement", "error", /fw2 differs from fw1 and fw3/],
  },
  {
    facts: { keys: { ...keys, peers: [{ name: "fw2", keyId: 1 }] } },
    finds: ["keys", "warning", /fw2 and this node seal with different keys/],
  },
  {
    facts: { keys: { ...keys, keys: [...keys.keys, { id: 1, check: "12345678" }] } },
    finds: ["keys", "info", /2 keys in the key file/],
  },
  {
    setup: withStatus({ state: "joining", reason: "conflict: 192.0.2.1 is answered for" }),
    finds: ["conflict", "error", /somebody else has its cluster's name/],
  },
  {
    setup: withStatus({ refused: { "not authentic": 300 } }),
    finds: ["conflict", "warning", /cannot be opened/],
  },
  {
    setup: withStatus({ refused: { "not authentic": 2, foreign: 900 } }),
    finds: ["conflict", "ok", /nobody/],
  },
  {
    setup: withSecond({ notEligibleBecause: "eth0 has no carrier" }),
    finds: ["eligible", "warning", /fw2 may own no buckets: eth0 has no carrier/],
  },
  { setup: withSecond({ state: "draining" }), finds: ["eligible", "info", /fw2 is drained/] },
  { setup: withSecond({ state: "syncing" }), finds: ["eligible", "info", /fw2 is syncing/] },
  {
    setup: withStatus({ owners: safeStatus.owners.map((owner, i) => i < 3 ? null : owner) }),
    finds: ["safe", "error", /3 buckets of 256 have no owner/],
  },
  {
    setup: withStatus({ datapath: { ...safeStatus.datapath, leaseMs: 0 } }),
    finds: ["safe", "error", /holds no lease/],
  },
  {
    setup: withStatus({ safe: false, unsafeBecause: "fw2 is silent" }),
    finds: ["safe", "warning", /not safe/],
  },
  { setup: cut, finds: ["replication-streams", "error", /no replication stream with fw2/] },
  {
    facts: { tried: [{ node: "fw2", place: "10.0.0.2:9478", result: "silent" }] },
    setup: cut,
    finds: ["replication-streams", "error", /no replication stream with fw2/],
  },
  {
    setup: { config: configOf((text) => `${text}[replication]\nenabled = false\n`) },
    finds: ["replication-streams", "warning", /not replicated/],
  },
  {
    setup: {
      ...withStatus({ protocol: { version: 2, oldest: 1, inUse: 1 } }),
    },
    finds: ["versions", "info", /older protocol/],
  },
  {
    setup: { peers: [{ ...soundSetup.peers[0], vitals: { ...vitals, version: "0.0.9" } }] },
    finds: ["versions", "info", /different versions of avail/],
  },
]);
