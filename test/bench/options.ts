/** What the benchmark can be asked for. */

import { parseArgs } from "node:util";
import { whole } from "../support/flags.ts";
import type { CcxtRuntime } from "./closers.ts";
import { ROWS, type Row } from "./rows.ts";

/** The flags, checked. */
export interface BenchOptions {
  readonly repeats: number;
  readonly latencyMs: number;
  readonly rows: readonly Row[];
  /** Whether the brain's exits are measured. */
  readonly exits: boolean;
  readonly json: boolean;
  /** Whether what the worker asks while it waits is watched, too. */
  readonly idle: boolean;
  readonly ccxtRuntime: CcxtRuntime;
}

/** What `--only` says for the exits. */
const EXITS = "exits";

/** @throws {Error} naming the flag that cannot be used. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repeats: { type: "string", default: "5" },
      "latency-ms": { type: "string", default: "50" },
      only: { type: "string" },
      json: { type: "boolean", default: false },
      "no-idle": { type: "boolean", default: false },
      "ccxt-under": { type: "string", default: "node" },
    },
  });
  return {
    repeats: whole("--repeats", values.repeats, 1, 9_999),
    latencyMs: whole("--latency-ms", values["latency-ms"], 1, 9_999),
    rows: values.only === EXITS ? [] : rows(values.only),
    exits: values.only === undefined || values.only === EXITS,
    json: values.json,
    idle: !values["no-idle"],
    ccxtRuntime: runtime(values["ccxt-under"]),
  };
}

/** The rows with so many positions; all without a number. */
function rows(only: string | undefined): readonly Row[] {
  if (only === undefined) return ROWS;
  const found = ROWS.filter(({ positions }) => String(positions) === only);
  if (found.length === 0) throw new Error(`--only ${only}: expected exits, or one of the sizes that are measured`);
  return found;
}

function runtime(text: string): CcxtRuntime {
  if (text !== "bun" && text !== "node") throw new Error(`--ccxt-under ${text}: expected bun or node`);
  return text;
}
