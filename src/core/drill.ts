/** What is kept of a drill, whether it still proves anything, and how people are told of it. */

import type { Alert } from "./alert.ts";
import type { Reading } from "./reading.ts";
import type { TellLevel } from "./tell.ts";
import type { UnixMillis } from "./time.ts";

/** One criterion. `measured` is null if there was nothing to measure, and then it has failed. */
export interface Check {
  readonly name: string;
  readonly measured: number | boolean | null;
  readonly limit: number | boolean;
  readonly passed: boolean;
}

/**
 * How a drill stands on record. `begun`: written before the blow, so that a drill whose own process dies is on record too.
 * `aborted`: it did not come to its end. Only `passed` proves anything.
 */
export const DRILL_VERDICTS = ["begun", "passed", "failed", "aborted"] as const;

/** One of them. */
type DrillVerdict = (typeof DRILL_VERDICTS)[number];

/** What is kept of a live drill. */
export interface DrillRecord {
  readonly drill: string;
  readonly method: string;
  readonly target: string;
  readonly verdict: DrillVerdict;
  /** The panic that followed; null if none was seen. */
  readonly eventId: string | null;
  /** On the bus's clock. It names the drill: what is kept of one drill carries the same. */
  readonly startedAt: UnixMillis;
  /** What was measured as far as it came; empty where nothing was struck yet. */
  readonly checks: readonly Check[];
  /** Why it did not pass, in words; null if it passed. */
  readonly why: string | null;
}

/** The newest record. */
export interface LastDrill {
  /** When it was written, on the bus's clock, and how long ago that is. */
  readonly at: UnixMillis;
  readonly ageMs: number;
  /** Null if there is a record and it can't be read: that is no pass. */
  readonly record: DrillRecord | null;
}

const DAY_MS = 86_400_000;

/** A drill a month (runbook, "Critical Notes"), and four days for a month that is long or a weekend that is in the way. */
const DRILL_STALE_MS = 35 * DAY_MS;

/** A drill takes a minute or two. One that has no verdict after this long has none any more. */
const DRILL_ENDS_MS = 600_000;

/** Whether the last drill is to be looked at by a person. `never` is apart: a deployment that was just made has none. */
export type DrillStanding =
  | { readonly kind: "proven" | "under_way"; readonly words: string }
  | { readonly kind: "never" | "stale" | "not_passed" | "unreadable"; readonly words: string };

/** Judges the last drill; null: none was ever kept. What can't be read proves nothing (design rule 1). */
export function drillStanding(last: Reading<LastDrill | null>): DrillStanding {
  if (!last.known) return { kind: "unreadable", words: `the last drill can't be read, ${last.why}` };
  if (last.value === null) return { kind: "never", words: "no drill is on record" };
  const { record, ageMs } = last.value;
  const ago = `${spanInWords(ageMs)} ago`;
  if (record === null) return { kind: "unreadable", words: `the record of the last drill, ${ago}, can't be read` };
  switch (record.verdict) {
    case "begun":
      if (ageMs <= DRILL_ENDS_MS) return { kind: "under_way", words: `a drill was begun ${ago}` };
      return { kind: "not_passed", words: `the last drill was begun ${ago} and has no verdict` };
    case "failed":
    case "aborted":
      return {
        kind: "not_passed",
        words: `the last drill, ${ago}, ${record.verdict}: ${record.why ?? "no reason kept"}`,
      };
    case "passed":
      if (ageMs <= DRILL_STALE_MS) return { kind: "proven", words: `the last drill passed ${ago}` };
      return {
        kind: "stale",
        words: `the last drill is ${spanInWords(ageMs)} old, more than ${DRILL_STALE_MS / DAY_MS} days`,
      };
  }
}

/**
 * What a person has to look at, in words with what to do; null if nothing. On an account with real money no drill is run, so
 * there is nothing to miss there.
 */
export function drillAttention(last: Reading<LastDrill | null>, belongsHere: boolean): string | null {
  const { kind, words } = drillStanding(last);
  if (!belongsHere || kind === "proven" || kind === "under_way") return null;
  return `${words}: ${DRILL_ADVICE[kind]}`;
}

/** What to do about each standing that asks for it. */
export const DRILL_ADVICE = {
  never: "run quantum chaos, on the testnet every month",
  stale: "run quantum chaos, and look at why quantum-chaos.timer did not",
  not_passed: "look at why, mend it, and run quantum chaos again",
  unreadable: "let the user of REDIS_URL read quantum:drills (redis/users.acl), or run quantum chaos again",
} as const;

/** A time span for people, rounded up so that a broken limit never reads as kept: `40 s`, `12 min`, `5 h`, `36 days`. */
export function spanInWords(ms: number): string {
  if (ms <= 60_000) return `${Math.ceil(ms / 1_000)} s`;
  if (ms <= 3_600_000) return `${Math.ceil(ms / 60_000)} min`;
  if (ms <= 2 * DAY_MS) return `${Math.ceil(ms / 3_600_000)} h`;
  return `${Math.ceil(ms / DAY_MS)} days`;
}

/** A criterion in words: `panic_to_flat_ms 10400, expected below 10000`. */
export function checkInWords({ name, measured, limit }: Check): string {
  const expected = name.endsWith("_ms") ? `below ${limit}` : String(limit);
  return `${name} ${measured ?? "not seen"}, expected ${expected}`;
}

/** Characters of the reason in a message: the rest is on record, and Telegram takes 4096 with everything around it. */
const WHY_CHARS_MAX = 1_500;

/**
 * A drill's verdict as a message to people. One that passed is told, too, as `info`: whoever is used to a line a month
 * notices the month without one, which a message about failures only can't bring about; and it is no more than a line a month.
 *
 * @param notKept why the verdict is not on record; null if it is.
 */
export function drillNews(record: DrillRecord, account: string, notKept: string | null): Alert {
  const { drill, method, eventId, why } = record;
  const name = `Drill ${drill} (${method})${ofAccount(account)}`;
  const [usual, words] = inWords(record);
  const level = notKept !== null && usual === "info" ? "warn" : usual;
  const lines = why === null ? [`${name} ${words}`] : [`${name} ${words}: ${cut(why)}`];
  lines.push(...record.checks.filter(({ measured }) => measured !== null).map(measuredInWords));
  if (record.verdict !== "passed") lines.push(afterwards(record));
  if (notKept !== null) lines.push(`It is not on record, and so it proves nothing: ${cut(notKept)}`);
  return { level, text: lines.join("\n"), eventId, incidentId: eventId };
}

/** The message about a drill that was refused: nothing was touched, and the month has no drill. */
export function drillRefusedNews(why: string, account: string): Alert {
  const text = `Drill${ofAccount(account)} refused: ${cut(why)}\nNothing was struck, and nothing is proven: run quantum chaos again`;
  return { level: "warn", text, eventId: null, incidentId: null };
}

function ofAccount(account: string): string {
  return account === "" ? "" : ` of account ${account}`;
}

function inWords({ verdict }: DrillRecord): readonly [TellLevel, string] {
  switch (verdict) {
    case "passed":
      return ["info", "passed"];
    case "failed":
      return ["critical", "FAILED"];
    case "aborted":
    case "begun":
      return ["critical", "ABORTED"];
  }
}

function measuredInWords({ name, measured, limit, passed }: Check): string {
  return `${passed ? "ok" : "FAIL"} ${name} ${measured} (${name.endsWith("_ms") ? "below " : ""}${limit})`;
}

function afterwards({ verdict, checks }: DrillRecord): string {
  if (verdict === "aborted" && checks.length === 0) return "Nothing was struck";
  return "The brain was struck and trading may be halted: look at quantum status and at the venue, then recover";
}

/** A line break in somebody else's words must not forge a line of ours. */
function cut(text: string): string {
  const line = text.replaceAll(/[\r\n]+/g, " ");
  return line.length <= WHY_CHARS_MAX ? line : `${line.slice(0, WHY_CHARS_MAX - 1)}…`;
}
