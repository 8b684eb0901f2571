/** What `npm run test:systemd` can be asked for. */

import { parseArgs } from "node:util";
import { whole } from "../support/flags.ts";

/** The flags, checked. */
export interface SystemdOptions {
  /** Names of cases; all without. */
  readonly only: readonly string[] | null;
  readonly json: boolean;
  /** The machine stays up afterwards, until Ctrl-C. */
  readonly keep: boolean;
  /** How many machines at a time. */
  readonly machines: number;
}

const MACHINES_MAX = 4;

/** @throws {Error} naming the flag that cannot be used. */
export function parseOptions(args: readonly string[], names: readonly string[]): SystemdOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      json: { type: "boolean", default: false },
      keep: { type: "boolean", default: false },
      machines: { type: "string", default: "2" },
    },
  });
  const only = values.only?.split(",") ?? null;
  const unknown = only?.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: expected ${names.join(", ")}, separated by commas`);
  const machines = whole("--machines", values.machines, 1, MACHINES_MAX);
  // A person looks into one.
  return { only, json: values.json, keep: values.keep, machines: values.keep ? 1 : machines };
}
