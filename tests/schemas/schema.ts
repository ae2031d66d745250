/**
 * The schemas of docs/schemas and a validator for them. What comes out of a command must be valid, and must
 * have no field that its schema does not know; for others, more fields are no fault.
 */
import { Ajv2020 } from "ajv/2020";
import { assert } from "../assert.ts";

/** As much of JSON Schema as our files use. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

const folder = new URL("../../docs/schemas/", import.meta.url);
const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });

export function schemaNames(): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name.replace(/\.json$/, "")).sort();
}

export function readSchema(name: string): Schema {
  return JSON.parse(Deno.readTextFileSync(new URL(`${name}.json`, folder)));
}

/** Why a value is not as a schema says; empty where it is. */
export function faultsOf(schema: Schema, value: unknown): string[] {
  const validate = ajv.compile(schema);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}

/** A field of a value: the object that has it, and where that is. */
interface Place {
  readonly object: Record<string, unknown>;
  readonly path: string;
  readonly schema: Schema;
}

/** Throws unless a command's output is as its schema says, and says no more than that. */
export function assertSchema(name: string, value: unknown): void {
  const schema = readSchema(name);
  const faults = faultsOf(schema, value);
  assert(faults.length === 0, `${name}: ${faults.join("; ")}`);
  for (
    const { object, path, schema: { properties = {}, additionalProperties } } of placesOf(
      value,
      schema,
    )
  ) {
    if (additionalProperties !== undefined) continue;
    for (const key of Object.keys(object)) {
      assert(key in properties, `${name}${path}: ${key} is in no schema`);
    }
  }
}

/** Every object in a value that its schema describes; of long lists the first two items. */
export function* placesOf(value: unknown, schema: Schema, path = ""): Generator<Place> {
  const chosen = schema.anyOf?.find((one) => faultsOf(one, value).length === 0) ?? schema;
  if (Array.isArray(value)) {
    if (chosen.items === undefined) return;
    for (const [i, item] of value.slice(0, 2).entries()) {
      yield* placesOf(item, chosen.items, `${path}[${i}]`);
    }
  } else if (isObject(value)) {
    if (chosen.properties === undefined && chosen.additionalProperties === undefined) return;
    yield { object: value, path, schema: chosen };
    for (const [key, item] of Object.entries(value)) {
      const of = chosen.properties?.[key] ?? chosen.additionalProperties;
      if (of !== undefined) yield* placesOf(item, of, `${path}.${key}`);
    }
  }
}

/** Required fields without which the value would still be valid, though it must not. */
export function notMissed(schema: Schema, value: unknown): string[] {
  const validate = ajv.compile(schema);
  const copy = structuredClone(value);
  return [...placesOf(copy, schema)].flatMap(({ object, path, schema: { required = [] } }) =>
    required.filter((key) => {
      const kept = object[key];
      delete object[key];
      const isValid = validate(copy);
      object[key] = kept;
      return isValid;
    }).map((key) => `${path}.${key}`)
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
