/** The brain's memory on disk: `exits.jsonl` in its state directory, where the last line about a leg counts. */

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ExitRecord } from "../../core/exit-leg.ts";
import type { PortfolioRecord } from "../../core/portfolio.ts";
import { legName } from "../../core/position.ts";
import { appendFlushed, putFile } from "../host/files.ts";
import { readLegRecord, readPortfolioRecord, writeRecord } from "./record.ts";

/** A file longer than this is written anew with what counts of it. */
const BYTES_MAX = 1_000_000;

const line = z.union([
  z.object({ leg: z.string(), record: z.nullable(z.string()) }),
  z.object({ portfolio: z.string() }),
]);
type Line = z.infer<typeof line>;

/** What the file holds. */
export interface ExitFile {
  /** By leg, as text: as it was found at the start. */
  readonly found: { readonly legs: readonly ExitRecord[]; readonly portfolio: PortfolioRecord | null };
  /** What of it can't be read; null if nothing. */
  readonly trouble: string | null;
  /** Appends, and returns when the disk has it. Null, or why it does not. */
  remember(records: readonly ExitRecord[], gone: readonly string[]): string | null;
  /** As `remember`. */
  rememberPortfolio(record: PortfolioRecord): string | null;
}

/** Opens the memory in a directory, which is made when it is first written to. */
export function exitFile(directory: string): ExitFile {
  const path = join(directory, "exits.jsonl");
  const { legs, portfolio, torn, trouble, bytes: foundBytes } = readLines(path);
  const current = new Map(legs);
  let currentPortfolio = portfolio;
  let bytes = foundBytes;
  let needsNewline = torn;
  /** A write has failed: the file lacks what it was to say, and may end in a part of it. */
  let isBehind = false;

  const whole = (): readonly Line[] => [
    ...[...current].map(([leg, record]): Line => ({ leg, record })),
    ...(currentPortfolio === null ? [] : [{ portfolio: currentPortfolio }]),
  ];
  const write = (lines: readonly Line[]): string | null => {
    const text = textOf(lines);
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      if (isBehind || bytes + text.length > BYTES_MAX) {
        const all = textOf(whole());
        const put = putFile(path, { text: all }, 0o600);
        if (!put.known) return put.why;
        bytes = all.length;
      } else {
        appendFlushed(path, `${needsNewline ? "\n" : ""}${text}`);
        bytes += text.length;
      }
      needsNewline = false;
      isBehind = false;
      return null;
    } catch (error) {
      isBehind = true;
      return `${path} can't be written: ${error instanceof Error ? error.message : String(error)}`;
    }
  };

  return {
    found: {
      legs: [...legs.values()].flatMap((text) => readLegRecord(text) ?? []),
      portfolio: portfolio === null ? null : readPortfolioRecord(portfolio),
    },
    trouble,
    remember: (records, gone) => {
      const written = records.map((record): Line => ({ leg: legName(record), record: writeRecord(record) }));
      const lines = [...gone.map((leg): Line => ({ leg, record: null })), ...written];
      for (const given of lines) hold(current, given);
      return write(lines);
    },
    rememberPortfolio: (record) => {
      currentPortfolio = writeRecord(record);
      return write([{ portfolio: currentPortfolio }]);
    },
  };
}

interface Found {
  readonly legs: ReadonlyMap<string, string>;
  readonly portfolio: string | null;
  /** The last line has no end: a crash has cut it off. */
  readonly torn: boolean;
  readonly trouble: string | null;
  readonly bytes: number;
}

function readLines(path: string): Found {
  const legs = new Map<string, string>();
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const trouble = isMissing ? null : `the exit policy's memory ${path} can't be read: ${String(error)}`;
    return { legs, portfolio: null, torn: false, trouble, bytes: 0 };
  }
  let portfolio: string | null = null;
  let trouble: string | null = null;
  const torn = text !== "" && !text.endsWith("\n");
  const lines = text.split("\n");
  for (const [i, raw] of lines.entries()) {
    if (raw === "") continue;
    const given = parse(raw);
    if (given === null) {
      const isTorn = torn && i === lines.length - 1;
      if (!isTorn) trouble ??= `line ${i + 1} of the exit policy's memory ${path} can't be read, it is not believed`;
    } else if ("portfolio" in given) portfolio = given.portfolio;
    else hold(legs, given);
  }
  return { legs, portfolio, torn, trouble, bytes: text.length };
}

function hold(legs: Map<string, string>, given: Line): void {
  if ("portfolio" in given) return;
  if (given.record === null) legs.delete(given.leg);
  else legs.set(given.leg, given.record);
}

function parse(raw: string): Line | null {
  try {
    const given = line.parse(JSON.parse(raw));
    const readable =
      "portfolio" in given
        ? readPortfolioRecord(given.portfolio) !== null
        : given.record === null || readLegRecord(given.record) !== null;
    return readable ? given : null;
  } catch {
    return null;
  }
}

function textOf(lines: readonly Line[]): string {
  return lines.map((given) => `${JSON.stringify(given)}\n`).join("");
}
