/**
 * Every decoder of the program, as the fuzzer sees it: sound inputs to start from, and a function that
 * decodes, encodes what was accepted, and says what both came to.
 */
import { parseControlRequest } from "../../lib/control_request.ts";
import { AvailError, ConfigError } from "../../lib/errors.ts";
import { readConfig } from "../../lib/config_file.ts";
import { resultOf } from "../../lib/forwarding/execute.ts";
import { normaliseRuleset } from "../../lib/health/ruleset.ts";
import { Asking } from "../../lib/joining/asking.ts";
import { freshKeyPair } from "../../lib/joining/channel.ts";
import {
  type Claim,
  decodeClaim,
  decodeGrantContent,
  decodeWelcomeContent,
  encodeContent,
} from "../../lib/joining/content.ts";
import { Issuing } from "../../lib/joining/issuing.ts";
import { makeToken } from "../../lib/joining/make_token.ts";
import { formatToken, parseToken, TokenError, tokenKey } from "../../lib/joining/token.ts";
import { formatTokenBook, parseTokenBook } from "../../lib/joining/token_book.ts";
import { withKeyAdded, withKeyFirst, withoutKey } from "../../lib/key_file.ts";
import { LineSplitter, LineTooLong } from "../../lib/lines.ts";
import { decodeDevice } from "../../lib/netlink/clusterdev.ts";
import { parseEntry } from "../../lib/netlink/ctnetlink.ts";
import { FlowRecord } from "../../lib/netlink/flow_record.ts";
import {
  errorOf,
  errorTextOf,
  headerBytes,
  messages,
  MessageWriter,
} from "../../lib/netlink/message.ts";
import { decodeAddress, decodeLink, encodeAddress } from "../../lib/netlink/rtnetlink.ts";
import { decodePlan, encodePlan, sealPlan } from "../../lib/ownership/plan.ts";
import { decodeFlow, encodeFlow, flowBytesMax } from "../../lib/replication/flow.ts";
import {
  decodeHello,
  encodeHello,
  endsWithMac,
  type Hello,
  macBytes,
  macOf,
} from "../../lib/replication/hello.ts";
import { encodeMessage, messageType, u32, u64 } from "../../lib/replication/messages.ts";
import { Stream } from "../../lib/replication/stream.ts";
import { formatAddress, parseAddress } from "../../lib/wire/address.ts";
import { fromHex } from "../../lib/wire/cursor.ts";
import { Expected } from "../../lib/wire/expected.ts";
import {
  AnswerAssembly,
  decodeForward,
  encodeForwardAnswer,
  encodeForwardRequest,
} from "../../lib/wire/forward.ts";
import { datagramOf, frameOf } from "../../lib/wire/frame.ts";
import { decodeHeartbeat, encodeHeartbeat } from "../../lib/wire/heartbeat.ts";
import { HeartbeatDecoder } from "../../lib/wire/heartbeat_decoder.ts";
import { formatKeyFile, KeyFileError, parseKeyFile } from "../../lib/wire/keys.ts";
import { offerKey, unwrapKey, wrapKey } from "../../lib/wire/key_wrap.ts";
import { encodePlanParts, PlanAssembly } from "../../lib/wire/plan_parts.ts";
import { answeredAddress, probeFrame } from "../../lib/wire/probe.ts";
import { DatagramSeal } from "../../lib/wire/seal.ts";
import { Nonces } from "../../lib/wire/tokens.ts";
import { faultyCases, sound } from "../config_cases.ts";
import { entryCases } from "../netlink/entry_cases.ts";
import { deriveTestKeys } from "../replication/fixtures.ts";
import { SessionWire } from "../replication/session_wire.ts";
import { heartbeat, incarnation, planContent } from "../wire/examples.ts";

/** What became of an input. */
export type Outcome =
  /** Refused as documented. */
  | "refused"
  /** Accepted, and there is nothing that could be encoded again. */
  | "accepted"
  /** Accepted: both are equal where encoding and decoding agree. */
  | { readonly found: unknown; readonly again: unknown };

export interface DecoderCase {
  readonly name: string;
  readonly examples: readonly Uint8Array[];
  /** Throws only where the decoder does what it must not. */
  readonly run: (bytes: Uint8Array<ArrayBuffer>) => Outcome;
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const keys = deriveTestKeys();

/** Refused by an error of a documented class; any other is the decoder's fault. */
function unless<T>(
  errors: readonly (new (...args: never[]) => Error)[],
  decode: () => T,
  check: (value: T) => Outcome,
): Outcome {
  let value: T;
  try {
    value = decode();
  } catch (error) {
    if (errors.some((known) => error instanceof known)) return "refused";
    throw error;
  }
  return check(value);
}

const isRefusal = (value: object): value is { readonly refusal: string } => "refusal" in value;

const hello: Hello = {
  kind: 1,
  versionMin: 1,
  versionMax: 2,
  keyId: 7,
  senderIncarnation: incarnation(1),
  receiverIncarnation: incarnation(2),
  random: new Uint8Array(32).fill(3),
  cluster: "edge",
  sender: "fw1",
  receiver: "fw2",
};
const helloMac = macOf(new Uint8Array(32), encodeHello(hello));

const sender = fromHex(incarnation(2));
const seal = new DatagramSeal(keys, "edge", sender);
const sealed = seal.seal(
  encodeHeartbeat(heartbeat()),
  new Nonces(keys.keys[0].bytes, sender).next(),
);
const opener = new DatagramSeal(keys, "edge", fromHex(incarnation(1)));

function written(write: (writer: MessageWriter) => void): Uint8Array {
  const writer = new MessageWriter(1024);
  write(writer);
  return writer.bytes.slice();
}

/** A link and an address of a dump, and a cluster device, as the kernel tells them. */
const dumped = [
  "60000000100002000700000000000000" + "00000100050000004310010000000000" +
  "0900030065746830000000000a000100020000000001000008000500040000000800" +
  "0a000300000018001280090001007665746800000000" + "0800020000000000",
  "2800000014000200070000000000000002188000050000000800010" + "00a000002080002000a000001",
  "24000000100002000700000000000000" + "00000100050000004310010000000000" + "04000500",
  "1400000002000000" + "0700000000000000" + "00000000",
  "8c000000100002000700000000000000" + "00000100070000004310010000000000" +
  "0d000300636c75737465723000000000" + "0800050005000000" + "0a00010001005e0101010000" +
  "48001280" + "0f000100636c757374657264657600" + "00" + "34000280" + "0500020001000000" +
  "0c00090000e40b5402000000" + "1c000d80" + "0c0002000100000000000000" +
  "0c0003000200000000000000",
].map((hex) => Uint8Array.fromHex(hex));

const netlinkExamples = [
  ...dumped,
  ...entryCases.map(({ kernel }) => Uint8Array.fromHex(kernel)),
  written((writer) =>
    encodeAddress(writer, 7, "add", {
      name: "eth0",
      index: 5,
      family: 4,
      bytes: Uint8Array.of(192, 0, 2, 1),
      prefixLength: 32,
      use: "shared",
    })
  ),
];

function flowOf(bytes: Uint8Array): FlowRecord | null {
  const flow = new FlowRecord();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return decodeFlow(bytes, view, 0, bytes.length, flow) ? flow : null;
}

function flowBytes(flow: FlowRecord): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(flowBytesMax);
  return bytes.slice(0, encodeFlow(flow, 5, bytes, new DataView(bytes.buffer), 0));
}

const flowExamples = entryCases.map(({ kernel }) => {
  const bytes = Uint8Array.fromHex(kernel);
  const flow = new FlowRecord();
  parseEntry(new DataView(bytes.buffer), headerBytes, bytes.length, flow);
  return flowBytes(flow);
});

/** Without what is not on the wire, and in a shape that compares. */
function flowFields(flow: FlowRecord): Record<string, unknown> {
  const { addresses, labels, id: _, ...fields } = { ...flow };
  return { ...fields, addresses: addresses.toHex(), labels: flow.hasLabels ? labels.toHex() : "" };
}

const keyFile =
  `# comment\nseed ${keys.seed.toBase64()}\nkey 7 ${keys.keys[0].bytes.toBase64()}\n` +
  `key 8 ${keys.keys[1].bytes.toBase64()} # the new one\n`;
const offer = offerKey();

const streamNodes = {
  near: { name: "fw2", incarnation: incarnation(2) },
  far: { name: "fw1", incarnation: incarnation(1) },
};

/** Two open ends of a stream. */
function openStreams(): readonly [Stream, Stream] {
  const settings = { clusterName: "edge", keys };
  const random = new Uint8Array(32);
  const { near, far } = streamNodes;
  const connecting = Stream.connect({ ...settings, self: far }, random, near);
  const accepting = Stream.accept({ ...settings, self: near }, random, () => far.incarnation);
  for (
    const [from, to] of [[connecting, accepting], [accepting, connecting], [connecting, accepting]]
  ) {
    for (let part; (part = from.takeOutput()) !== null;) to.push(part);
    to.next();
  }
  return [connecting, accepting];
}

const greeting = (() => {
  const { near, far } = streamNodes;
  const stream = Stream.connect({ clusterName: "edge", keys, self: far }, new Uint8Array(32), near);
  return stream.takeOutput()!;
})();
const frames = (() => {
  const [connecting] = openStreams();
  return ["one", "", "a third frame that is longer"].map((word) => connecting.seal(utf8(word)));
})();

const joinSecret = new Uint8Array(16).fill(9);
const joinToken = makeToken({
  ...{ secret: joinSecret, issuer: "fw1", cluster: "edge", addresses: ["10.0.0.1", "2001:db8::1"] },
  ...{ port: 9479, uses: 2, lifetimeMs: 3_600_000, now: 1_800_000_000_000 },
});
const joinPair = freshKeyPair();
const joinClaim: Claim = {
  ...{ name: "fw2", version: "0.1.0", protocol: { version: 2, oldest: 1 } },
  claimant: "0123456789abcdef".repeat(2),
};
const joinTemplate = {
  ...{ issuer: "fw1", version: "0.1.0", protocol: { version: 2, oldest: 1 }, config: sound },
  ...{ shareNetworks: [["192.0.2.1/24"], []], linkNetworks: [["10.0.0.1/8"]], members: ["fw1"] },
  now: 1_800_000_000_000,
};

export const decoderCases: readonly DecoderCase[] = [
  {
    name: "heartbeat",
    examples: [heartbeat(), heartbeat({ peers: [], addresses: [] })].map(encodeHeartbeat),
    run: (bytes) => {
      const found = decodeHeartbeat(bytes);
      if (isRefusal(found)) return "refused";
      return { found, again: decodeHeartbeat(encodeHeartbeat(found)) };
    },
  },
  {
    name: "heartbeat, by what the one before said",
    examples: [heartbeat(), heartbeat({ sequence: 8 })].map(encodeHeartbeat),
    run: (bytes) => {
      const decoder = new HeartbeatDecoder();
      decoder.decode(encodeHeartbeat(heartbeat()));
      const found = decoder.decode(bytes);
      return {
        found: isRefusal(found) ? found : found.heartbeat,
        again: decodeHeartbeat(bytes),
      };
    },
  },
  {
    name: "plan",
    examples: [
      planContent(),
      planContent(5, 4),
      planContent(1, 0),
      { ...planContent(), planner: "n".repeat(63) },
    ].map(encodePlan),
    run: (bytes) => {
      const found = decodePlan(bytes);
      if (isRefusal(found)) return "refused";
      return { found: bytes.toHex(), again: encodePlan(found).toHex() };
    },
  },
  {
    name: "part of a plan",
    examples: [planContent(), planContent(30, 3)].flatMap((plan) =>
      encodePlanParts(sealPlan(plan))
    ),
    run: (bytes) => {
      const assembly = new PlanAssembly();
      const parts = encodePlanParts(sealPlan(planContent(30, 3)));
      assembly.add(parts[0]);
      const found = assembly.add(bytes);
      if (found !== null) return isRefusal(found) ? "refused" : "accepted";
      // Whatever it was, it keeps no whole plan out.
      const whole = parts.map((part) => assembly.add(part)).at(-1);
      return {
        found: whole === null || whole === undefined
          ? null
          : isRefusal(whole)
          ? null
          : whole.digest,
        again: whole === null || whole === undefined || isRefusal(whole)
          ? null
          : sealPlan(whole).digest,
      };
    },
  },
  {
    name: "forwarded request and answer",
    examples: [
      encodeForwardRequest({ to: incarnation(1), id: 3, echo: 9, text: '{"command":"status"}' }),
      ...encodeForwardAnswer({ to: incarnation(1), id: 3, text: "x".repeat(3000) }),
    ],
    run: (bytes) => {
      const found = decodeForward(bytes);
      if (isRefusal(found)) return "refused";
      if (found.kind === "answer") {
        new AnswerAssembly().add(found);
        return "accepted";
      }
      const again = decodeForward(encodeForwardRequest(found));
      return { found, again };
    },
  },
  {
    name: "answer of another node",
    examples: [utf8('{"ok":true,"result":{"a":1}}'), utf8('{"ok":false,"error":"no"}')],
    run: (bytes) =>
      unless([AvailError], () => resultOf("fw2", { answer: text(bytes) }), () => "accepted"),
  },
  {
    name: "envelope",
    examples: [sealed],
    run: (bytes) => {
      const opened = opener.open(bytes);
      if (!opened.ok) return "refused";
      // Only the very datagram opens.
      return { found: bytes.toHex(), again: sealed.toHex() };
    },
  },
  {
    name: "nonce, and whether it is due",
    examples: [sealed],
    run: (bytes) => {
      const expected = new Expected(keys);
      expected.take(sealed, 0);
      const standing = expected.standing(bytes, 0);
      expected.next(1);
      const isCopy = bytes.length >= 44 &&
        bytes.subarray(16, 44).toHex() === sealed.subarray(16, 44).toHex();
      return { found: standing === "repeated", again: isCopy && bytes[3] === sealed[3] };
    },
  },
  {
    name: "frame",
    examples: [frameOf(sealed, new Uint8Array(6))],
    run: (bytes) => {
      datagramOf(bytes);
      return "accepted";
    },
  },
  {
    name: "answer to a probe",
    // A question with the number of an answer.
    examples: [
      probeFrame(Uint8Array.of(192, 0, 2, 1), new Uint8Array(6), new Uint8Array(4)).with(21, 2),
    ],
    run: (bytes) => answeredAddress(bytes) === null ? "refused" : "accepted",
  },
  {
    name: "greeting of a stream",
    examples: [new Uint8Array([...encodeHello(hello), ...helloMac])],
    run: (bytes) => {
      const found = decodeHello(bytes);
      if (typeof found === "string") return "refused";
      endsWithMac(bytes, helloMac);
      return {
        found: bytes.subarray(0, bytes.length - macBytes).toHex(),
        again: encodeHello(found).toHex(),
      };
    },
  },
  {
    name: "stream before it is open",
    examples: [greeting],
    run: (bytes) => {
      const { near, far } = streamNodes;
      const settings = { clusterName: "edge", keys, self: near };
      const stream = Stream.accept(settings, new Uint8Array(32), () => far.incarnation);
      stream.push(bytes);
      while (stream.next() !== null);
      // Nobody gets further than a WELCOME by one message.
      return { found: stream.isOpen, again: false };
    },
  },
  {
    name: "frames of a stream",
    examples: [new Uint8Array(frames.flatMap((frame) => [...frame]))],
    run: (bytes) => {
      const [, accepting] = openStreams();
      accepting.push(bytes);
      const found: string[] = [];
      for (let plaintext; (plaintext = accepting.next()) !== null;) found.push(text(plaintext));
      const again = ["one", "", "a third frame that is longer"].slice(0, found.length);
      return { found, again };
    },
  },
  {
    name: "messages of a stream",
    examples: [
      encodeMessage(messageType.bulkBegin, new Uint8Array(32).fill(255)),
      encodeMessage(messageType.release, u64(3), new Uint8Array(32).fill(1)),
      encodeMessage(messageType.ack, u64(0), u32(0)),
      encodeMessage(messageType.allSent),
      ...flowExamples.map((flow) => encodeMessage(messageType.flowBulk, flow)),
      ...flowExamples.map((flow) => encodeMessage(messageType.flowEnd, flow)),
    ],
    run: (bytes) => {
      const wire = new SessionWire();
      wire.say(bytes);
      return wire.ended === null ? "accepted" : "refused";
    },
  },
  {
    name: "flow",
    examples: flowExamples,
    run: (bytes) => {
      const flow = flowOf(bytes);
      if (flow === null) return "refused";
      return { found: flowFields(flow), again: flowFields(flowOf(flowBytes(flow))!) };
    },
  },
  {
    name: "netlink",
    examples: netlinkExamples,
    run: (bytes) => {
      const view = new DataView(bytes.buffer);
      let outcome: Outcome = "refused";
      for (const message of messages(view, bytes.length)) {
        const { start, end } = message;
        if (parseEntry(view, start, end, new FlowRecord()) === null) outcome = "accepted";
        for (const type of [message.type, 16, 20]) {
          const as = { ...message, type };
          for (const decode of [decodeLink, decodeAddress, decodeDevice]) {
            if (decode(view, as) !== null) outcome = "accepted";
          }
        }
        errorOf(view, message);
        errorTextOf(view, message);
      }
      return outcome;
    },
  },
  {
    name: "control request",
    examples: [
      { command: "status" },
      { command: "joins" },
      { command: "who", source: "192.0.2.1", destination: "192.0.2.2", protocol: 6, share: "a" },
      { command: "weight", weight: 1.5 },
      {
        command: "keys",
        do: "take",
        id: 3,
        offer: offer.offered,
        ...wrapKey(keys.seed, offer.offered),
      },
      { command: "keys", do: "use", id: 3 },
      { command: "forward", node: "fw2", request: { command: "drain" } },
      { command: "balance", owners: { fw1: [1, 2] } },
    ].map((request) => utf8(JSON.stringify(request))),
    run: (bytes) =>
      unless([AvailError], () => parseControlRequest(text(bytes)), (found) => ({
        found,
        again: parseControlRequest(JSON.stringify(found)),
      })),
  },
  {
    name: "lines of the control socket",
    examples: [utf8('{"command":"status"}\n{"command":"drain"}\n')],
    run: (bytes) =>
      unless([LineTooLong], () => new LineSplitter(64).push(bytes), (lines) => ({
        found: lines.length,
        again: bytes.filter((byte) => byte === 10).length,
      })),
  },
  {
    name: "configuration",
    examples: [sound, ...faultyCases.flatMap((each) => each.text ?? [])].map(utf8),
    run: (bytes) => {
      const source = { file: "avail.toml", hostName: "fw1" };
      return unless([ConfigError], () => readConfig(text(bytes), source), () => "accepted");
    },
  },
  {
    name: "key file",
    examples: [utf8(keyFile), utf8(keys.seed.toBase64())],
    run: (bytes) =>
      unless([KeyFileError], () => parseKeyFile(text(bytes)), (ring) => {
        const source = text(bytes);
        const free = Array.from({ length: 256 }, (_, id) => id)
          .find((id) => ring.keys.every((key) => key.id !== id))!;
        const key = { id: free, bytes: new Uint8Array(32).fill(1) };
        const added = withKeyAdded(source, key);
        const used = withKeyFirst(added, free);
        const both = { ...ring, keys: [key, ...ring.keys] };
        return {
          found: [ring, { ...ring, keys: [...ring.keys, key] }, both, ring].map(formatKeyFile),
          again: [
            formatKeyFile(parseKeyFile(formatKeyFile(ring))),
            ...[added, used, withoutKey(used, free)].map(parseKeyFile).map(formatKeyFile),
          ],
        };
      }),
  },
  {
    name: "sealed key",
    examples: [utf8(JSON.stringify(wrapKey(keys.seed, offer.offered)))],
    run: (bytes) => {
      const words = text(bytes).split('"');
      const found = unwrapKey(offer, { offered: words[3] ?? "", sealed: words[7] ?? "" });
      return found === null ? "refused" : { found: found.toHex(), again: keys.seed.toHex() };
    },
  },
  {
    name: "join token",
    examples: [utf8(joinToken.text), utf8(`avail join ${joinToken.text}\n`)],
    run: (bytes) =>
      unless([TokenError], () => parseToken(text(bytes)), (found) => ({
        found,
        again: parseToken(formatToken(found)),
      })),
  },
  {
    name: "join tokens of a node",
    examples: [utf8(formatTokenBook([joinToken.record]))],
    run: (bytes) => {
      const found = parseTokenBook(text(bytes));
      if (found === null) return "refused";
      return { found, again: parseTokenBook(formatTokenBook(found)) };
    },
  },
  {
    name: "greeting of a joiner",
    examples: [new Asking(joinSecret, joinPair).hello],
    run: (bytes) => {
      const issuing = new Issuing(() => tokenKey(joinSecret), joinPair);
      const effects = issuing.receive(bytes);
      const isGreeted = effects.some(({ kind }) => kind === "greeted");
      // Nobody but who has the token is let in, and that one only by the very greeting.
      const hello = new Asking(joinSecret, joinPair).hello.toHex();
      return isGreeted ? { found: bytes.toHex(), again: hello } : "refused";
    },
  },
  {
    name: "answer to a joiner",
    examples: [(() => {
      const issuing = new Issuing(() => tokenKey(joinSecret), joinPair);
      issuing.receive(new Asking(joinSecret, joinPair).hello);
      return issuing.welcome({ template: joinTemplate });
    })()],
    run: (bytes) => {
      const effects = new Asking(joinSecret, joinPair).receive(bytes);
      const isWelcome = effects.some(({ kind }) => kind === "template");
      return isWelcome ? "accepted" : "refused";
    },
  },
  {
    name: "what a joiner and an issuer tell each other",
    examples: [
      { template: joinTemplate },
      { refusal: { reason: "used" as const, detail: "it was used by fw2" } },
      { keys: keyFile },
      joinClaim,
    ].map((content) => encodeContent(content)),
    run: (bytes) => {
      const found = [decodeWelcomeContent, decodeGrantContent, decodeClaim].map((d) => d(bytes));
      if (found.every((each) => each === null)) return "refused";
      const [welcome, grant, claim] = found;
      return {
        found: [welcome, grant, claim],
        again: [
          welcome && decodeWelcomeContent(encodeContent(decodeWelcomeContent(bytes)!)),
          grant && decodeGrantContent(encodeContent(decodeGrantContent(bytes)!)),
          claim && decodeClaim(encodeContent(decodeClaim(bytes)!)),
        ],
      };
    },
  },
  {
    name: "address",
    examples: ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1"].map(utf8),
    run: (bytes) => {
      const found = parseAddress(text(bytes));
      if (found === null) return "refused";
      return { found, again: parseAddress(formatAddress(found.bytes)) };
    },
  },
  {
    name: "rules of nft",
    examples: [
      utf8('{"nftables":[{"metainfo":{}},{"table":{"family":"ip","name":"f","handle":1}}]}'),
    ],
    run: (bytes) => normaliseRuleset(text(bytes)) === null ? "refused" : "accepted",
  },
];
