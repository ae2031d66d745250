/** Inputs for decoders: sound ones with faults in them, and bytes that mean nothing. */
import fc from "fast-check";

/** One fault; positions are fractions, so that a shrunk case stays in place. */
type Fault =
  | { readonly do: "set"; readonly at: number; readonly value: number }
  | { readonly do: "flip"; readonly at: number; readonly bit: number }
  | { readonly do: "cut"; readonly at: number }
  | { readonly do: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly do: "remove"; readonly at: number; readonly length: number }
  | { readonly do: "repeat"; readonly at: number; readonly length: number }
  | { readonly do: "number"; readonly at: number; readonly value: number };

const at = fc.double({ min: 0, max: 1, noNaN: true });
const telling = fc.constantFrom(0, 1, 2, 3, 4, 0x7f, 0x80, 0xfe, 0xff);
const numbers = fc.constantFrom(0, 1, 4, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff);

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ do: fc.constant("set" as const), at, value: fc.oneof(telling, fc.nat(255)) }),
  fc.record({ do: fc.constant("flip" as const), at, bit: fc.nat(7) }),
  fc.record({ do: fc.constant("cut" as const), at }),
  fc.record({ do: fc.constant("insert" as const), at, bytes: fc.uint8Array({ maxLength: 40 }) }),
  fc.record({ do: fc.constant("remove" as const), at, length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({ do: fc.constant("repeat" as const), at, length: fc.integer({ min: 1, max: 200 }) }),
  fc.record({ do: fc.constant("number" as const), at, value: numbers }),
);

/** Sound examples with up to eight faults, sound ones, and random bytes now and then. */
export function inputs(examples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const broken = fc.tuple(fc.constantFrom(...examples), fc.array(fault, { maxLength: 8 }))
    .map(([example, faults]) => faults.reduce(withFault, new Uint8Array(example)));
  const random = fc.uint8Array({ maxLength: 600 }).map((bytes) => new Uint8Array(bytes));
  return fc.oneof({ arbitrary: broken, weight: 9 }, { arbitrary: random, weight: 1 });
}

/** Longer than anything that a socket gives. */
const bytesMax = 4096;

function withFault(bytes: Uint8Array<ArrayBuffer>, fault: Fault): Uint8Array<ArrayBuffer> {
  const place = Math.min(Math.floor(fault.at * (bytes.length + 1)), bytes.length);
  const before = bytes.subarray(0, place), behind = bytes.subarray(place);
  switch (fault.do) {
    case "set":
      return place < bytes.length ? bytes.with(place, fault.value) : bytes;
    case "flip":
      return place < bytes.length ? bytes.with(place, bytes[place] ^ (1 << fault.bit)) : bytes;
    case "cut":
      return before.slice();
    case "insert":
      return joined(before, fault.bytes, behind);
    case "remove":
      return joined(before, behind.subarray(fault.length));
    case "repeat":
      return joined(before, behind.subarray(0, fault.length), behind);
    case "number": {
      const changed = bytes.slice();
      if (place + 4 <= bytes.length) new DataView(changed.buffer).setUint32(place, fault.value);
      return changed;
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(length);
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  return bytes.slice(0, bytesMax);
}
