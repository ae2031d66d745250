/** Reads one line of the control socket; whoever may write there is root, and may still mistype. */
import { type ControlRequest, forwardableCommands, type ForwardableRequest } from "./control.ts";
import { parseKeysRequest } from "./control_keys.ts";
import { parseReloadCluster, parseReloadRequest } from "./control_reload.ts";
import { AvailError, exitCodes } from "./errors.ts";
import { parseEventsRequest } from "./events/events_request.ts";
import { operatorWeightMax, operatorWeightMin } from "./limits.ts";
import { bucketCount } from "./ownership/bucket_set.ts";
import { parseAddress } from "./wire/address.ts";

/** The request of a line; throws `AvailError` that says which field is wrong. */
export function parseControlRequest(line: string): ControlRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw refuse("not JSON", "send one JSON object a line");
  }
  return parseObject(value);
}

function parseObject(value: unknown): ControlRequest {
  if (!isObject(value)) throw refuse("not an object", "send one JSON object a line");
  switch (value.command) {
    case "status":
    case "vitals":
    case "planning":
    case "joins":
    case "drain":
    case "resume":
      return { command: value.command };
    case "weight":
      return { command: "weight", weight: parseWeight(value.weight) };
    case "balance":
      return { command: "balance", owners: parseOwners(value.owners) };
    case "keys":
      return parseKeysRequest(value);
    case "reload":
      return parseReloadRequest(value);
    case "reloadCluster":
      return parseReloadCluster(value);
    case "events":
      return parseEventsRequest(value);
    case "who":
      return parseWho(value);
    case "forward":
      return parseForward(value);
    default:
      throw refuse(
        `unknown command ${JSON.stringify(value.command)}`,
        `this daemon knows ${
          forwardableCommands.join(", ")
        }, planning, joins, who, forward, reloadCluster`,
      );
  }
}

/** Whether another node may have this one do it. */
export function isForwardable(request: ControlRequest): request is ForwardableRequest {
  return forwardableCommands.includes(request.command);
}

function parseForward({ node, request }: Readonly<Record<string, unknown>>): ControlRequest {
  if (typeof node !== "string" || node === "") {
    throw refuse(`node ${JSON.stringify(node)}`, "give a node's name");
  }
  const inner = parseObject(request);
  if (!isForwardable(inner)) {
    throw refuse(
      `${inner.command} cannot be forwarded`,
      `another node can be asked for ${forwardableCommands.join(", ")}`,
    );
  }
  return { command: "forward", node, request: inner };
}

/** `{"fw2": [3, 17]}`; each bucket once. */
function parseOwners(owners: unknown): Readonly<Record<string, readonly number[]>> {
  const remedy = 'give lists of buckets by node, such as {"fw2": [3, 17]}';
  if (!isObject(owners)) throw refuse(`owners ${JSON.stringify(owners)}`, remedy);
  const seen = new Set<number>();
  return Object.fromEntries(
    Object.entries(owners).map(([name, buckets]) => {
      if (!Array.isArray(buckets)) throw refuse(`owners of ${JSON.stringify(name)}`, remedy);
      return [
        name,
        buckets.map((bucket: unknown) => {
          const isBucket = typeof bucket === "number" && Number.isInteger(bucket) && bucket >= 0 &&
            bucket < bucketCount;
          if (!isBucket) throw refuse(`bucket ${JSON.stringify(bucket)}`, "give 0 to 255");
          if (seen.has(bucket)) throw refuse(`bucket ${bucket} twice`, "give each bucket once");
          seen.add(bucket);
          return bucket;
        }),
      ];
    }),
  );
}

function parseWeight(weight: unknown): number {
  if (typeof weight === "number" && isOperatorWeight(weight)) return weight;
  throw refuse(`weight ${JSON.stringify(weight)}`, `give ${weightRange}`);
}

/** What `avail weight` takes, in words. */
export const weightRange =
  `a number from ${operatorWeightMin} to ${operatorWeightMax} with three decimals at most`;

/** Weights travel in whole thousandths. */
export function isOperatorWeight(weight: number): boolean {
  const thousandths = weight * 1000;
  return weight >= operatorWeightMin && weight <= operatorWeightMax &&
    Math.abs(thousandths - Math.round(thousandths)) < 1e-6;
}

function parseWho(value: Readonly<Record<string, unknown>>): ControlRequest {
  const source = address(value, "source");
  const destination = address(value, "destination");
  if (source.family !== destination.family) {
    throw refuse("source and destination of two families", "give two IPv4 or two IPv6 addresses");
  }
  const protocol = number(value, "protocol", 255);
  const sourcePort = number(value, "sourcePort", 65535);
  const destinationPort = number(value, "destinationPort", 65535);
  if (value.share !== undefined && typeof value.share !== "string") {
    throw refuse(`share ${JSON.stringify(value.share)}`, "give an interface's name");
  }
  return {
    command: "who",
    source: source.text,
    destination: destination.text,
    ...(protocol === undefined ? {} : { protocol }),
    ...(sourcePort === undefined ? {} : { sourcePort }),
    ...(destinationPort === undefined ? {} : { destinationPort }),
    ...(value.share === undefined ? {} : { share: value.share }),
  };
}

function address(value: Readonly<Record<string, unknown>>, key: string) {
  const text = value[key];
  const parsed = typeof text === "string" ? parseAddress(text) : null;
  if (typeof text !== "string" || !parsed) {
    throw refuse(`${key} ${JSON.stringify(text)}`, "give an IPv4 or IPv6 address");
  }
  return { text, family: parsed.family };
}

function number(
  value: Readonly<Record<string, unknown>>,
  key: string,
  max: number,
): number | undefined {
  const found = value[key];
  if (found === undefined) return undefined;
  const isWhole = typeof found === "number" && Number.isInteger(found);
  if (isWhole && found >= 0 && found <= max) return found;
  throw refuse(`${key} ${JSON.stringify(found)}`, `give a whole number from 0 to ${max}`);
}

function refuse(found: string, remedy: string): AvailError {
  return new AvailError(`control request: ${found}; ${remedy}`, { exitCode: exitCodes.usage });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
