/** What `npm run faults` can be asked for. */

import { parseArgs } from "node:util";
import { whole } from "../support/flags.ts";

/** The flags, checked. */
export interface FaultOptions {
  /** Rows of the catalogue; all without. */
  readonly only: readonly number[] | null;
  /** Only those that run with every change. */
  readonly fast: boolean;
  readonly json: boolean;
  /** How many at a time. */
  readonly jobs: number;
}

/** @throws {Error} naming the flag that cannot be used. */
export function parseOptions(args: readonly string[]): FaultOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      fast: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      jobs: { type: "string", default: "2" },
    },
  });
  return {
    only: values.only === undefined ? null : values.only.split(",").map((text) => whole("--only", text, 1, 80)),
    fast: values.fast,
    json: values.json,
    jobs: whole("--jobs", values.jobs, 1, 8),
  };
}
