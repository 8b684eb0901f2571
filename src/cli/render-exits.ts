/** Who leaves the account's positions, and where: as terminal text or for a JSON document; no decisions. */

import { type ExitsView, exitsLine } from "../core/brain-note.ts";
import { plain } from "../core/decimal.ts";
import { readable, STOP_WORDS } from "../core/exit-decision.ts";
import type { ExitRecord } from "../core/exit-leg.ts";
import { legName } from "../core/position.ts";
import type { Reading } from "../core/reading.ts";
import { newTable } from "./table.ts";

/** What `status` shows of it. */
export interface ExitsStatus {
  readonly brain: ExitsView;
  /** What a policy at work remembers of each leg; null where none is at work. */
  readonly legs: Reading<readonly ExitRecord[]> | null;
}

/** `runs` and `acts` are null where the brain does not say it, `legs` where they can't be known. */
export function exitsDocument({ brain, legs }: ExitsStatus): object {
  const policy = brain.kind === "policy" ? brain : null;
  const isTold = brain.kind !== "unknown" && brain.kind !== "unsaid";
  return {
    brain: brain.kind,
    runs: isTold ? policy !== null : null,
    acts: isTold ? policy?.stance === "live" : null,
    waits_for_person: policy?.stance === "waiting",
    started: policy?.mode ?? null,
    sha256: policy?.sha256 ?? null,
    quiet_streams: policy?.quiet ?? [],
    legs: legs?.known === true ? inOrder(legs.value).map(legDocument) : null,
  };
}

function legDocument({ memory, pending, positionSide, symbol }: ExitRecord): object {
  const { amount, best, entryPrice, exiting, openedAt, side, size, steps, stop } = memory;
  return {
    symbol,
    position_side: positionSide,
    side,
    amount: plain(amount),
    largest_amount: plain(size),
    opened_at: openedAt,
    entry_price: plain(entryPrice),
    best_mark: plain(best),
    stop: stop && { level: plain(stop.level), rule: stop.rule },
    steps: Object.fromEntries(
      Object.entries(steps).map(([at, { taken, done }]) => [at, { taken: plain(taken), done }]),
    ),
    leaving: exiting,
    order_pending: pending !== null,
  };
}

/** For people: one line, and a table of the legs where a policy is at work. */
export function renderExits({ brain, legs }: ExitsStatus, colour: boolean): readonly string[] {
  const line = `Exit policy: ${exitsLine(brain)}`;
  if (legs === null) return [line];
  if (!legs.known) return [line, `Legs under it: can't be read, ${legs.why}`];
  if (legs.value.length === 0) return [line];
  const table = newTable(["leg", "open", "entry", "best mark", "stop", "steps taken", "now"], colour);
  for (const record of inOrder(legs.value)) table.push(legRow(record));
  return [line, table.toString()];
}

function legRow(record: ExitRecord): string[] {
  const { amount, best, entryPrice, exiting, side, steps, stop } = record.memory;
  const taken = Object.entries(steps).flatMap(([at, { done }]) => (done ? [at] : []));
  const now = exiting !== null ? "is being left" : record.pending !== null ? "an order is under way" : "";
  return [
    legName(record),
    `${side} ${plain(amount)}`,
    readable(entryPrice),
    readable(best),
    stop === null ? "none" : `${readable(stop.level)} (${STOP_WORDS[stop.rule]})`,
    taken.join(", "),
    now,
  ];
}

function inOrder(legs: readonly ExitRecord[]): readonly ExitRecord[] {
  return [...legs].sort((one, other) => legName(one).localeCompare(legName(other), "en"));
}
