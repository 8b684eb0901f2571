/** The JSON bodies of the `/sim/` paths, field by field; a mistake is an `Error` whose message names the field. */

import type { PositionSide } from "../core/position.ts";

/** A body's fields, not yet looked at. */
export type Fields = Readonly<Record<string, unknown>>;

/** The fields of a JSON object. @throws {Error} if it is none. */
export function parseFields(body: string): Fields {
  const value: unknown = JSON.parse(body);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error("The body is no JSON object");
  return Object.fromEntries(Object.entries(value));
}

/** A string. @throws {Error} if it is missing or something else. */
export function text(fields: Fields, name: string): string {
  const value = optionalText(fields, name);
  if (value === null) throw new Error(`${name} is missing`);
  return value;
}

/** A string, or `null` if it is missing. @throws {Error} if it is something else. */
export function optionalText(fields: Fields, name: string): string | null {
  const value = fields[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") throw new Error(`${name} must be a string, also where it is a number`);
  return value;
}

/** True or false, or `null` if it is missing. @throws {Error} if it is something else. */
export function optionalFlag(fields: Fields, name: string): boolean | null {
  const value = fields[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== "boolean") throw new Error(`${name} must be true or false, not ${JSON.stringify(value)}`);
  return value;
}

/** One of the texts. @throws {Error} if it is missing or another. */
export function oneOf<T extends string>(fields: Fields, name: string, allowed: readonly T[]): T {
  const value = text(fields, name);
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new Error(`${name} must be one of ${allowed.join(", ")}, not ${value}`);
  return found;
}

/** The leg, or `null` if it is missing. @throws {Error} if there is no such leg. */
export function optionalPositionSide(fields: Fields, name: string): PositionSide | null {
  const value = optionalText(fields, name);
  if (value === null || value === "BOTH" || value === "LONG" || value === "SHORT") return value;
  throw new Error(`${name} must be BOTH, LONG or SHORT, not ${value}`);
}
