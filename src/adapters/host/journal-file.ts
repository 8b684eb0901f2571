import { createHash } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Clock } from "../../ports/clock.ts";
import type { Journal, JournalRecord } from "../../ports/journal.ts";
import { legsOf, written, writtenLeg } from "../found-legs.ts";
import { appendFlushed } from "./files.ts";
import { JournalMemory } from "./journal-memory.ts";

const attemptShape = z.nullable(z.object({ incidentId: z.string(), number: z.number() }));
const haltShape = {
  halt: z.object({ reason: z.string(), source: z.string(), eventId: z.string(), positionsClosed: z.number() }),
  outcome: z.enum(["FLAT", "NOT_FLAT", "UNKNOWN"]),
  entryId: z.string(),
  followsUp: attemptShape,
};
const recordShape = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("raised"),
    eventId: z.string(),
    reason: z.string(),
    // Not in every journal that may be found: no default, which would change the text that the hash is over.
    issuedBy: z.exactOptional(z.string()),
    followsUp: z.exactOptional(attemptShape),
  }),
  z.object({ kind: z.literal("found"), eventId: z.string(), legs: z.array(writtenLeg) }),
  z.object({ kind: z.literal("executed"), ...haltShape, residual: z.array(z.string()) }),
  z.object({ kind: z.literal("witnessed"), ...haltShape }),
  z.object({ kind: z.literal("reconciled"), eventId: z.string() }),
  z.object({ kind: z.literal("reset"), eventId: z.string() }),
]);
/** A record as it stands in its line. */
type WrittenRecord = z.infer<typeof recordShape>;

const lineShape = z.object({
  seq: z.number(),
  at: z.number(),
  prev: z.string(),
  record: recordShape,
  hash: z.string(),
});

/** What the first line follows. */
const GENESIS = "0".repeat(64);

/**
 * The journal in `journal.jsonl` of the state directory: one JSON line for each record, each with the hash of the one before,
 * so that a line that was changed or taken out is noticed. A line that a crash cut off is left where it is and not believed.
 */
export function journalFile(stateDirectory: string, clock: Pick<Clock, "wall">): Journal {
  const path = join(stateDirectory, "journal.jsonl");
  const found = readLines(path);
  let { prev, seq } = found;
  let needsNewline = found.torn;
  const memory = new JournalMemory(found.records);

  return {
    append: (given) => {
      memory.append(given);
      // In the order of the shape, as it will be read again: the hash is over the text.
      const record = recordShape.parse(given.kind === "found" ? { ...given, legs: written(given.legs) } : given);
      const at = clock.wall();
      const hash = hashOf(prev, seq + 1, at, record);
      const line = JSON.stringify({ seq: seq + 1, at, prev, record, hash });
      if (!write(stateDirectory, path, `${needsNewline ? "\n" : ""}${line}\n`)) {
        // A part of it may be there.
        needsNewline = true;
        return false;
      }
      prev = hash;
      seq += 1;
      needsNewline = false;
      return true;
    },
    unfinished: () => memory.unfinished(),
    executed: (eventId) => memory.executed(eventId),
    halt: () => memory.halt(),
    trouble: () => found.trouble,
  };
}

interface Found {
  readonly records: readonly JournalRecord[];
  readonly prev: string;
  readonly seq: number;
  /** The last line has no end. */
  readonly torn: boolean;
  readonly trouble: string | null;
}

function readLines(path: string): Found {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const trouble = isMissing ? null : `the journal ${path} can't be read: ${String(error)}`;
    return { records: [], prev: GENESIS, seq: 0, torn: false, trouble };
  }
  const records: JournalRecord[] = [];
  let prev = GENESIS;
  let seq = 0;
  let trouble: string | null = null;
  for (const [i, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const parsed = parse(line);
    if (parsed === null || parsed.hash !== hashOf(parsed.prev, parsed.seq, parsed.at, parsed.record)) {
      trouble ??= `line ${i + 1} of the journal ${path} can't be read, it is not believed`;
      continue;
    }
    if (parsed.prev !== prev || parsed.seq !== seq + 1) {
      trouble ??= `line ${i + 1} of the journal ${path} does not follow the one before it: lines are missing or changed`;
    }
    // What it says counts all the same: work that may be left is done twice rather than not at all.
    records.push(recordOf(parsed.record));
    prev = parsed.hash;
    seq = parsed.seq;
  }
  return { records, prev, seq, torn: text !== "" && !text.endsWith("\n"), trouble };
}

function parse(line: string): z.infer<typeof lineShape> | null {
  try {
    return lineShape.parse(JSON.parse(line));
  } catch {
    return null;
  }
}

function recordOf(record: WrittenRecord): JournalRecord {
  return record.kind === "found" ? { ...record, legs: legsOf(record.legs) } : record;
}

function hashOf(prev: string, seq: number, at: number, record: WrittenRecord): string {
  return createHash("sha256")
    .update(JSON.stringify([prev, seq, at, record]))
    .digest("hex");
}

function write(directory: string, path: string, text: string): boolean {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    appendFlushed(path, text);
    return true;
  } catch {
    return false;
  }
}
