/**
 * Every leg under a policy: what is remembered of it, and the one order that may be under way for it.
 *
 * One order at a time on a leg, and nothing more for it until its outcome is certain. What other hands do to a leg is noticed,
 * told, and planned for. Nothing here is lost with the process: a record is written down before its order is sent.
 */

import { type Decimal, plain, ZERO } from "./decimal.ts";
import { blindRule, due, type PlannedClose } from "./exit-decision.ts";
import { beginLeg, type Change, follow, join, type LegMemory, settle, sideOf, watchMark } from "./exit-memory.ts";
import { exitOrder, orderWords } from "./exit-order.ts";
import { type ExitPolicy, policyFor } from "./exit-policy.ts";
import { type CloseOrder, type CloseOutcome, legName, type Position, type PositionSide } from "./position.ts";
import type { Reading } from "./reading.ts";
import type { Rulebook } from "./rulebook.ts";
import { info, type Tell, warn } from "./tell.ts";
import { after, type Instant, type UnixMillis } from "./time.ts";

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

/** An order that was sent, or is about to be, and whose outcome is not certain. */
interface PendingExit {
  readonly order: CloseOrder;
  readonly step: string | null;
  /** What is missing of the step, or open of the leg: this order may be a part of it. */
  readonly wanted: Decimal;
}

/** What is written down of a leg. */
export interface ExitRecord {
  readonly symbol: string;
  readonly positionSide: PositionSide;
  readonly memory: LegMemory;
  /** What is remembered of a leg that this may be still, or not: the venue's records tell. Null: there is no such doubt. */
  readonly earlier: LegMemory | null;
  readonly pending: PendingExit | null;
  /** What the venue has on record of the leg is in it; false: that was not asked for yet, or could not be read. */
  readonly recalled: boolean;
}

/** A leg in this life. */
interface LegState extends Omit<ExitRecord, "recalled"> {
  /** The memory as it was last written down; null: it was not. */
  readonly written: LegMemory | null;
  /** As last listed; null before this life has seen it. */
  readonly seen: Position | null;
  /** The list does not show it, since then. */
  readonly missingSince: Instant | null;
  /** A list may still show it as it was before its last order. */
  readonly lag: { readonly before: Decimal; readonly until: Instant } | null;
  /** Whether the venue's records were asked for what is not remembered; until then no step of the ladder is taken. */
  readonly recall:
    | { readonly kind: "settled" }
    | { readonly kind: "wanted"; readonly at: Instant }
    | { readonly kind: "asked" };
  /**
   * No order before this; `count` refusals in a row. That a step of the ladder was refused, as where other orders are to
   * close the leg, holds up no close of the `whole` leg: a stop may be due.
   */
  readonly pause: { readonly until: Instant; readonly count: number; readonly whole: boolean } | null;
  /** The price band has refused a market order: the next one has a limit inside of it. */
  readonly inBand: boolean;
  /** Since when the order under way was sent at the latest: in this life, or before it began. Null: none is. */
  readonly sentAt: Instant | null;
  /** The order's answer is under way: it is not asked for. */
  readonly waiting: boolean;
  /** What was told of closes that were not made. */
  readonly told: ReadonlySet<string>;
}

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

/** What holds for all legs in one look. */
export interface Look {
  readonly policy: ExitPolicy;
  readonly rulebook: Rulebook;
  readonly wall: UnixMillis;
  readonly now: Instant;
  /** What is done about a close that is due: it is made, or told, or neither while somebody else is at work. */
  readonly stance: "act" | "tell" | "watch";
}

type Step = readonly [Book, readonly BookAction[]];

const SETTLED = { kind: "settled" } as const;

/** The book of a new life, from what earlier ones have written down. */
export function openBook(records: readonly ExitRecord[], now: Instant): Book {
  const legs = new Map(
    records.map(({ recalled, ...record }): [string, LegState] => [
      legName(record),
      {
        ...record,
        earlier: recalled ? null : record.earlier,
        written: record.memory,
        seen: null,
        missingSince: null,
        lag: null,
        recall: recalled ? SETTLED : { kind: "wanted", at: now },
        pause: null,
        inBand: false,
        sentAt: record.pending === null ? null : now,
        waiting: false,
        told: new Set<string>(),
      },
    ]),
  );
  return { legs, recallAt: null };
}

/** The venue has listed the open legs. */
export function see(limits: BookLimits, book: Book, positions: readonly Position[], look: Look): Step {
  const next = new Map<string, LegState>();
  const told: Tell[] = [];
  const gone: string[] = [];
  const shown = new Map(positions.map((position) => [legName(position), position]));
  for (const [name, position] of shown) {
    const before = book.legs.get(name);
    const [leg, lines] = before === undefined ? first(look, position) : again(look, before, position);
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
        nothing ? paused(limits, free, pending, look.now) : { ...free, pause: null, inBand: false },
        [line],
      );
    }
    case "refused": {
      const free = paused(limits, { ...leg, pending: null, waiting: false }, pending, look.now);
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
  const { earlier } = leg;
  const settled: LegState = { ...leg, earlier: null, recall: SETTLED };
  if (recall.value === null) {
    const memory = earlier === null ? leg.memory : join(leg.memory, earlier);
    return put(book, name, { ...settled, memory }, []);
  }
  // A leg that was opened later than what is remembered of it is another one; in doubt, that counts to the millisecond.
  const isNewer =
    earlier === null
      ? recall.value.openedAt > leg.memory.openedAt + limits.clockApartMs
      : recall.value.openedAt > earlier.openedAt;
  const isOfMemory = recall.value.side === leg.memory.side && (earlier !== null || !isNewer);
  const known = isOfMemory ? join(leg.memory, recall.value) : recall.value;
  const memory = earlier === null || isNewer || !isOfMemory ? known : join(known, earlier);
  const done = Object.keys(memory.steps).join(", ") || "none";
  return put(book, name, { ...settled, memory }, [info(`${name} is taken up again: steps taken: ${done}`)]);
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

/** A leg that this life has not seen, and no record knows. */
function first(look: Look, position: Position): readonly [LegState, readonly Tell[]] {
  const memory = beginLeg(policyFor(look.policy, position.symbol), position, look.wall);
  const { symbol, positionSide } = position;
  const leg: LegState = {
    symbol,
    positionSide,
    memory,
    pending: null,
    written: null,
    earlier: null,
    seen: position,
    missingSince: null,
    lag: null,
    recall: { kind: "wanted", at: look.now },
    pause: null,
    inBand: false,
    sentAt: null,
    waiting: false,
    told: new Set(),
  };
  return [leg, [info(`${legName(leg)} ${plain(position.amount)} is under the policy${stopWords(memory)}`)]];
}

function again(look: Look, leg: LegState, position: Position): readonly [LegState, readonly Tell[]] {
  const policy = policyFor(look.policy, leg.symbol);
  const seen: LegState = { ...leg, seen: position, missingSince: null };
  const isLate = isOld(leg, position, look);
  if (leg.pending !== null || isLate) {
    // What the list shows may be from before the order, from after it, or from in between.
    return [{ ...seen, memory: watchMark(policy, leg.memory, position.markPrice) }, []];
  }
  const wasAway = leg.seen === null || leg.missingSince !== null;
  const [followed, change] = follow(policy, leg.memory, position, look.wall);
  const words = (memory: LegMemory, what: Change): readonly Tell[] => {
    const line = CHANGE_WORDS[what];
    const amounts = `${plain(leg.memory.amount)} → ${plain(position.amount)}`;
    return line === null ? [] : [info(`${legName(leg)} ${line}: ${amounts}${stopWords(memory)}`)];
  };
  const isTurned = change === "turned";
  if (change === "reopened" || (wasAway && !isTurned && !position.entryPrice.eq(leg.memory.entryPrice))) {
    // Nobody has seen whether it grew, was reduced and grew again, or was opened anew: until its records tell, only what holds for
    // a new leg does. The levels of the old one might be beyond its mark.
    const memory = { ...beginLeg(policy, position, look.wall), sent: leg.memory.sent };
    const earlier = { ...(leg.earlier ?? leg.memory), best: position.markPrice };
    const recall = { kind: "wanted", at: look.now } as const;
    return [{ ...seen, memory, earlier, lag: null, recall, told: new Set() }, words(memory, "reopened")];
  }
  const recall = isTurned ? SETTLED : seen.recall;
  const told = isTurned ? new Set<string>() : seen.told;
  const earlier = isTurned ? null : leg.earlier;
  return [{ ...seen, memory: followed, earlier, lag: null, recall, told }, words(followed, change)];
}

const CHANGE_WORDS: Readonly<Record<Change, string | null>> = {
  none: null,
  reopened: "was opened again by other hands, or has grown unseen",
  turned: "was turned by other hands",
  grown: "has grown by other hands, its levels are planned anew",
  shrunk: "was reduced by other hands",
  other_rules: "is under other rules than before",
};

/** Whether what is listed may be from before the last order was executed: an order that only reduces changes neither side nor entry. */
function isOld(leg: LegState, listed: Position, { now }: Look): boolean {
  const { lag, memory } = leg;
  if (lag === null || now >= lag.until || !isOfMemory(leg, listed)) return false;
  const amount = listed.amount.abs();
  return amount.gt(memory.amount) && amount.lte(lag.before);
}

/** Whether a listed leg is the one that is remembered, and not one that other hands have turned or grown since. */
function isOfMemory({ memory }: LegState, listed: Position): boolean {
  return sideOf(listed) === memory.side && listed.entryPrice.eq(memory.entryPrice);
}

function stopWords({ stop }: LegMemory): string {
  return stop === null ? "" : `, stop at ${plain(stop.level)}`;
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

function paused(limits: BookLimits, leg: LegState, { step }: PendingExit, now: Instant): LegState {
  const whole = step === null;
  const count = (leg.pause?.whole === whole ? leg.pause.count : 0) + 1;
  const ms = limits.refusedPauseMs * 2 ** Math.min(count - 1, 3);
  return { ...leg, pause: { until: after(now, ms), count, whole } };
}

function recordOf({ symbol, positionSide, memory, earlier, pending, recall }: LegState): ExitRecord {
  return { symbol, positionSide, memory, earlier, pending, recalled: recall.kind === "settled" };
}
