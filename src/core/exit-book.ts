/**
 * Every leg under a policy: what is remembered of it, and the one order that may be under way for it.
 *
 * One order at a time on a leg, and nothing more for it until its outcome is certain. Nothing here is lost with the process: a
 * record is written down before its order is sent.
 */

import { type Decimal, plain, ZERO } from "./decimal.ts";
import { blindRule, due, type PlannedClose } from "./exit-decision.ts";
import {
  type ExitRecord,
  firstSeen,
  isOfMemory,
  isOld,
  type LegState,
  type Look,
  openLeg,
  paused,
  recordOf,
  seenAgain,
  withRecords,
} from "./exit-leg.ts";
import { type LegMemory, settle, watchMark } from "./exit-memory.ts";
import { exitOrder, orderWords } from "./exit-order.ts";
import { type ExitPolicy, policyFor } from "./exit-policy.ts";
import { type CloseOrder, type CloseOutcome, legName, type Position, type PositionSide } from "./position.ts";
import type { Reading } from "./reading.ts";
import { info, type Tell, warn } from "./tell.ts";
import { after, type Instant } from "./time.ts";

/** What the book waits for, and how long. */
export interface BookLimits {
  /**
   * An order that the venue does not know this long after it was sent never arrived: it refuses what is older than its
   * receive window of 5 s, in the matching engine too (binance.md 2.5).
   */
  readonly absentIsProofMs: number;
  /** How long position lists may lag behind an answer that something was executed (binance.md 7.13). */
  readonly listLagMs: number;
  /** A leg that the list does not show any more is forgotten only after this: one list is no proof. */
  readonly goneMs: number;
  /** The pause after a refused order; it doubles up to eight times that. */
  readonly refusedPauseMs: number;
  /** The pause after the venue's records of a leg could not be read. */
  readonly recallPauseMs: number;
  /** How far the venue's clock may be ahead of this host's, by which a leg is noted as opened (binance.md 2.5, -1021: a second). */
  readonly clockApartMs: number;
  /** One leg's records after the other, and no more often; what they cost of the address's weight is paced by `roles/exit-recall.ts`. */
  readonly recallEveryMs: number;
}

/** See each limit. */
export const BOOK_LIMITS: BookLimits = {
  absentIsProofMs: 6_000,
  listLagMs: 3_000,
  goneMs: 3_000,
  refusedPauseMs: 1_000,
  recallPauseMs: 10_000,
  clockApartMs: 5_000,
  recallEveryMs: 2_000,
};

/** All legs by name. */
export interface Book {
  readonly legs: ReadonlyMap<string, LegState>;
  /** No leg's records are asked for before this. */
  readonly recallAt: Instant | null;
}

/** What the book wants done; `leg` is its name. */
export type BookAction =
  /** To be on disk before the next action is begun. `gone`: legs that are flat. */
  | { readonly kind: "remember"; readonly records: readonly ExitRecord[]; readonly gone: readonly string[] }
  | { readonly kind: "close"; readonly leg: string; readonly order: CloseOrder }
  | { readonly kind: "look_up"; readonly leg: string; readonly order: CloseOrder }
  /** Other orders block a close of the whole leg: all that rest on it are cancelled. */
  | { readonly kind: "clear_way"; readonly leg: string; readonly symbol: string; readonly positionSide: PositionSide }
  | { readonly kind: "recall"; readonly leg: string; readonly position: Position }
  | Tell;

type Step = readonly [Book, readonly BookAction[]];

/** The book of a new life, from what earlier ones have written down. */
export function openBook(records: readonly ExitRecord[], now: Instant): Book {
  return { legs: new Map(records.map((record) => [legName(record), openLeg(record, now)])), recallAt: null };
}

/** The venue has listed the open legs. */
export function see(limits: BookLimits, book: Book, positions: readonly Position[], look: Look): Step {
  const next = new Map<string, LegState>();
  const told: Tell[] = [];
  const gone: string[] = [];
  const shown = new Map(positions.map((position) => [legName(position), position]));
  for (const [name, position] of shown) {
    const before = book.legs.get(name);
    const [leg, lines] = before === undefined ? firstSeen(look, position) : seenAgain(look, before, position);
    next.set(name, leg);
    told.push(...lines);
  }
  for (const [name, before] of book.legs) {
    if (shown.has(name)) continue;
    const missingSince = before.missingSince ?? look.now;
    if (look.now - missingSince < limits.goneMs) next.set(name, { ...before, missingSince });
    else {
      gone.push(name);
      // What our own orders have closed is booked; what became of one in doubt nobody knows.
      const byOthers = before.pending === null && before.memory.amount.gt(ZERO);
      told.push(info(`${name} is flat${byOthers ? ", closed by other hands" : ""}`));
    }
  }
  const [acted, actions, mustWrite] = act(limits, { ...book, legs: next }, look);
  // What marks have come between two lists, too, is new to the record.
  const isNew = ([name, leg]: readonly [string, LegState]): boolean =>
    mustWrite.has(name) || leg.memory !== leg.written;
  const [kept, remember] = writeDown(acted, new Map([...acted.legs].filter(isNew)), gone);
  return [kept, [...told, ...remember, ...actions]];
}

/** Marks have come between two lists. */
export function watchMarks(limits: BookLimits, book: Book, marks: ReadonlyMap<string, Decimal>, look: Look): Step {
  const next = new Map(book.legs);
  for (const [name, leg] of book.legs) {
    const mark = marks.get(leg.symbol);
    if (mark === undefined || leg.seen === null || leg.missingSince !== null || leg.seen.markPrice.eq(mark)) continue;
    const memory = watchMark(policyFor(look.policy, leg.symbol), leg.memory, mark);
    next.set(name, { ...leg, memory, seen: { ...leg.seen, markPrice: mark } });
  }
  const [acted, actions, mustWrite] = act(limits, { ...book, legs: next }, look);
  // A best mark alone is written with the next list: a list comes each second.
  const [kept, remember] = writeDown(acted, new Map([...acted.legs].filter(([name]) => mustWrite.has(name))), []);
  return [kept, [...remember, ...actions]];
}

/** The answer to an order, or to the question what has become of it. */
export function heard(limits: BookLimits, book: Book, name: string, outcome: CloseOutcome, look: Look): Step {
  const leg = book.legs.get(name);
  if (leg?.pending === null || leg === undefined) return [book, []];
  const { pending } = leg;
  switch (outcome.kind) {
    case "executed": {
      const done = outcome.executed.gte(pending.wanted);
      const memory = settle(leg.memory, pending.step, outcome.executed, done);
      const lag = { before: leg.memory.amount, until: after(look.now, limits.listLagMs) };
      const words = `${name}: ${orderWords({ ...pending.order, quantity: outcome.executed })}`;
      const line = info(`${words} executed - Order ID: ${outcome.orderId}`);
      // An order that executes nothing has found no counterparty: the next one may be tried inside the band.
      const nothing = outcome.executed.eq(ZERO);
      const free = { ...leg, memory, pending: null, waiting: false, lag: nothing ? null : lag };
      return put(
        book,
        name,
        nothing ? paused(limits.refusedPauseMs, free, pending, look.now) : { ...free, pause: null, inBand: false },
        [line],
      );
    }
    case "refused": {
      const free = paused(limits.refusedPauseMs, { ...leg, pending: null, waiting: false }, pending, look.now);
      const line = warn(`${name}: ${orderWords(pending.order)} was refused: ${outcome.why}`);
      const inBand = leg.inBand || outcome.cause === "price_band";
      const { symbol, positionSide } = leg;
      const blocked = outcome.cause === "blocked" && pending.step === null;
      const clear: readonly BookAction[] = blocked ? [{ kind: "clear_way", leg: name, symbol, positionSide }] : [];
      return put(book, name, { ...free, inBand }, [line, ...clear]);
    }
    case "unknown": {
      const waitedMs = look.now - (leg.sentAt ?? look.now);
      const isProof = outcome.absent === true && waitedMs >= limits.absentIsProofMs;
      if (!isProof) {
        const line = warn(`${name}: what became of ${orderWords(pending.order)} is not known yet: ${outcome.why}`);
        return [replaced(book, name, { ...leg, waiting: false }), leg.told.has("unknown") ? [] : [line]];
      }
      const line = warn(`${name}: ${orderWords(pending.order)} never reached the venue`);
      return put(book, name, { ...leg, pending: null, waiting: false }, [line]);
    }
  }
}

/** The venue's records of a leg, as a memory; null: there is nothing on record. */
export function recalled(
  limits: BookLimits,
  book: Book,
  name: string,
  recall: Reading<LegMemory | null>,
  now: Instant,
): Step {
  const leg = book.legs.get(name);
  if (leg === undefined || leg.recall.kind !== "asked") return [book, []];
  if (!recall.known) {
    const again = { kind: "wanted", at: after(now, limits.recallPauseMs) } as const;
    const line = warn(`What was done on ${name} before can't be read, no take-profit until it is: ${recall.why}`);
    return [replaced(book, name, { ...leg, recall: again }), [line]];
  }
  const settled = withRecords(leg, recall.value, limits.clockApartMs);
  const done = Object.keys(settled.memory.steps).join(", ") || "none";
  const line = info(`${name} is taken up again: steps taken: ${done}`);
  return put(book, name, settled, recall.value === null ? [] : [line]);
}

/** A leg is to be left as a whole, for a reason from outside of the book. */
export function leave(book: Book, name: string, reason: string): Step {
  const leg = book.legs.get(name);
  if (leg === undefined || leg.memory.exiting !== null) return [book, []];
  return put(book, name, { ...leg, memory: { ...leg.memory, exiting: reason } }, [info(reason)]);
}

/** What can't be judged of the legs as they are: for people, and a reason to be degraded. */
export function blindness(policy: ExitPolicy, book: Book): string | null {
  for (const { memory, seen, symbol } of book.legs.values()) {
    const why = seen === null ? null : blindRule(policyFor(policy, symbol), seen, memory);
    if (why !== null) return why;
  }
  return null;
}

/** Looks at every leg for what is due, and does it or tells it. Third: the legs whose record must be written before. */
function act(limits: BookLimits, book: Book, look: Look): readonly [Book, readonly BookAction[], ReadonlySet<string>] {
  const legs = new Map(book.legs);
  let { recallAt } = book;
  const actions: BookAction[] = [];
  const written = new Set<string>();
  for (const [name, leg] of book.legs) {
    if (leg.pending !== null) {
      if (leg.waiting) continue;
      legs.set(name, { ...leg, waiting: true, told: new Set([...leg.told, "unknown"]) });
      actions.push({ kind: "look_up", leg: name, order: leg.pending.order });
      continue;
    }
    const { recall, seen } = leg;
    if (seen === null || leg.missingSince !== null) continue;
    let current = leg;
    if (recall.kind === "wanted" && look.now >= recall.at && (recallAt === null || look.now >= recallAt)) {
      recallAt = after(look.now, limits.recallEveryMs);
      current = { ...leg, recall: { kind: "asked" } };
      actions.push({ kind: "recall", leg: name, position: seen });
    }
    const [next, wanted, mustWrite] = closeDue(name, current, seen, look);
    if (next !== leg) legs.set(name, next);
    actions.push(...wanted);
    if (mustWrite) written.add(name);
  }
  return [{ legs, recallAt }, actions, written];
}

function closeDue(
  name: string,
  leg: LegState,
  seen: Position,
  look: Look,
): readonly [LegState, readonly BookAction[], boolean] {
  const isLate = isOld(leg, seen, look);
  // What came between an order and its answer is followed with the next list: until then its levels are another leg's.
  if (isLate || !isOfMemory(leg, seen)) return [leg, [], false];
  const { lot = null } = look.rulebook.get(leg.symbol) ?? {};
  const { pause } = leg;
  const closes = due(policyFor(look.policy, leg.symbol), seen, leg.memory, lot, look.wall).filter(({ step }) => {
    const isPaused = pause !== null && look.now < pause.until && (pause.whole || step !== null);
    return !isPaused && (step === null || leg.recall.kind === "settled");
  });
  if (closes.length === 0 || look.stance === "watch") return [leg, [], false];
  return look.stance === "act" ? closeFirst(name, leg, seen, closes, look) : tellOnly(leg, closes);
}

/** Sends the first close that can be ordered. Its reason is said when it is decided; a further order of the same exit is not. */
function closeFirst(
  name: string,
  leg: LegState,
  seen: Position,
  closes: readonly PlannedClose[],
  look: Look,
): readonly [LegState, readonly BookAction[], boolean] {
  let { memory } = leg;
  const lines: Tell[] = [];
  for (const { quantity, reason, step } of closes) {
    const order = exitOrder(seen, memory, step, quantity, { rulebook: look.rulebook, inBand: leg.inBand });
    if (order === null) {
      if (step !== null || !leg.told.has("too small")) {
        lines.push(warn(`${reason}: ${plain(quantity)} is too small to be ordered`));
      }
      if (step !== null) memory = settle(memory, step, ZERO, true);
      continue;
    }
    const exiting = step === null ? reason : memory.exiting;
    const told = new Set([...leg.told].filter((word) => word !== "unknown"));
    const sent: LegState = {
      ...leg,
      memory: { ...memory, exiting, sent: memory.sent + 1 },
      pending: { order, step, wanted: quantity },
      sentAt: look.now,
      waiting: true,
      told,
    };
    if (leg.memory.exiting === null) lines.push(info(reason));
    return [sent, [...lines, { kind: "close", leg: name, order }], true];
  }
  const told = new Set([...leg.told, "too small"]);
  return [{ ...leg, memory, told }, lines, memory !== leg.memory];
}

function tellOnly(leg: LegState, closes: readonly PlannedClose[]): readonly [LegState, readonly BookAction[], boolean] {
  const news = closes.filter(({ step }) => !leg.told.has(step ?? "all"));
  if (news.length === 0) return [leg, [], false];
  const told = new Set([...leg.told, ...news.map(({ step }) => step ?? "all")]);
  return [{ ...leg, told }, news.map(({ reason }) => info(`Shadow, would ${reason}`)), false];
}

function replaced(book: Book, name: string, leg: LegState): Book {
  return { ...book, legs: new Map(book.legs).set(name, leg) };
}

/** Changes a leg and writes it down. */
function put(book: Book, name: string, leg: LegState, others: readonly BookAction[]): Step {
  const [next, remember] = writeDown(book, new Map([[name, leg]]), []);
  return [next, [...remember, ...others]];
}

/** Writes these legs down, and that others are gone. */
function writeDown(book: Book, legs: ReadonlyMap<string, LegState>, gone: readonly string[]): Step {
  if (legs.size + gone.length === 0) return [book, []];
  const next = new Map(book.legs);
  for (const [name, leg] of legs) next.set(name, { ...leg, written: leg.memory });
  return [{ ...book, legs: next }, [{ kind: "remember", records: [...legs.values()].map(recordOf), gone }]];
}
