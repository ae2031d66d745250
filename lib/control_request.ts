/** Reads one line of the control socket; whoever may write there is root, and may still mistype. */
import type { ControlRequest } from "./control.ts";
import { AvailError, exitCodes } from "./errors.ts";
import { parseAddress } from "./wire/address.ts";

/** The request of a line; throws `AvailError` that says which field is wrong. */
export function parseControlRequest(line: string): ControlRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw refuse("not JSON", "send one JSON object a line");
  }
  if (!isObject(value)) throw refuse("not an object", "send one JSON object a line");
  switch (value.command) {
    case "status":
    case "drain":
    case "resume":
      return { command: value.command };
    case "who":
      return parseWho(value);
    default:
      throw refuse(
        `unknown command ${JSON.stringify(value.command)}`,
        "this daemon knows status, who, drain, resume",
      );
  }
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
