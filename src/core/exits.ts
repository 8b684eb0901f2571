/** The policy at work: the book of legs, the portfolio and the backstop, and whether any of it may be acted on. */

import {
  alignStops,
  type BackstopAction,
  type BackstopState,
  heardProtect,
  openBackstop,
  type ProtectiveStop,
  type ProtectOutcome,
  type RestingStop,
  watchStops,
} from "./backstop.ts";
import type { Decimal } from "./decimal.ts";
import {
  BOOK_LIMITS,
  type Book,
  type BookAction,
  blindness,
  heard,
  leave,
  openBook,
  recalled,
  see,
  watchMarks,
} from "./exit-book.ts";
import type { ExitRecord, Look } from "./exit-leg.ts";
import type { LegMemory, Side } from "./exit-memory.ts";
import type { ExitPolicy } from "./exit-policy.ts";
import {
  beginPanic,
  inPanic,
  lookUnhalted,
  type OwnPanic,
  type OwnPanicAction,
  type OwnPanicEvent,
  panicDeadline,
} from "./own-panic.ts";
import {
  countFrom,
  type Equity,
  heardTransfers,
  openPortfolio,
  overHalt,
  type PortfolioAction,
  type PortfolioRecord,
  type PortfolioState,
  type Transfers,
  weigh,
} from "./portfolio.ts";
import { type CloseOutcome, legName, type Position } from "./position.ts";
import type { Reading } from "./reading.ts";
import type { Rulebook } from "./rulebook.ts";
import { NOT_YET, type Permission, type Standing, type StandingOptions, stand } from "./standing.ts";
import { info, type Tell, warn } from "./tell.ts";
import type { Instant, UnixMillis } from "./time.ts";

/** What a brain with a policy starts with. */
export interface ExitsStart extends StandingOptions {
  readonly policy: ExitPolicy;
  /** What earlier lives have written down. */
  readonly records: readonly ExitRecord[];
  readonly portfolio: PortfolioRecord | null;
}

/** A policy at work. */
export interface Exits {
  readonly options: StandingOptions & { readonly policy: ExitPolicy };
  readonly rulebook: Rulebook;
  readonly book: Book;
  readonly portfolio: PortfolioState;
  readonly backstop: BackstopState;
  readonly standing: Standing;
  /** As last listed. */
  readonly positions: readonly Position[];
  /** A panic that was raised and has not halted trading yet. */
  readonly panic: OwnPanic | null;
  /** The permission that was the last when it was raised, by id. */
  readonly panicUnder: string | null;
  /** The last permission that was read, by id; null: none was given. */
  readonly given: string | null;
  /** The reason of a panic that was only told, in shadow. */
  readonly toldPanic: string | null;
  /** Where it stands, as last told; null: nothing was. */
  readonly toldStanding: "live" | "shadow" | "halted" | null;
}

/** What is known at one moment of what all legs depend on. */
export interface Moment {
  readonly now: Instant;
  readonly wall: UnixMillis;
  /** Trading is not halted, and heartbeats get through. */
  readonly mayAct: boolean;
}

/** What comes back from the world for the policy. */
export type ExitsEvent =
  | { readonly kind: "closed"; readonly leg: string; readonly outcome: CloseOutcome }
  | { readonly kind: "recalled"; readonly leg: string; readonly memory: Reading<LegMemory | null> }
  | { readonly kind: "transfers"; readonly transfers: Reading<Transfers> }
  | { readonly kind: "stops"; readonly listed: Reading<readonly RestingStop[]> }
  | { readonly kind: "protected"; readonly stop: ProtectiveStop; readonly outcome: ProtectOutcome }
  | { readonly kind: "rulebook"; readonly rulebook: Rulebook }
  | { readonly kind: "marks"; readonly marks: ReadonlyMap<string, Decimal> }
  | OwnPanicEvent;

/** What the policy wants done. */
export type ExitsAction =
  | BookAction
  | BackstopAction
  | Exclude<PortfolioAction, { readonly kind: "break" }>
  | OwnPanicAction;

type Step = readonly [Exits, readonly ExitsAction[]];

/** A panic that is not confirmed published is published again so soon; as the watchdog's. */
const PANIC_LIMITS = { publishRetryMs: 250 } as const;

/** The policy of a new life; it does nothing before it has looked. */
export function openExits(start: ExitsStart, now: Instant): Exits {
  const { autoLive, policy, shadow } = start;
  return {
    options: { autoLive, policy, shadow },
    rulebook: new Map(),
    book: openBook(start.records, now),
    portfolio: openPortfolio(start.portfolio, now),
    backstop: openBackstop(now),
    standing: NOT_YET,
    positions: [],
    panic: null,
    panicUnder: null,
    given: null,
    toldPanic: null,
    toldStanding: null,
  };
}

/** Whether it may act at all, by permission. */
export function isLive({ standing, panic }: Exits): boolean {
  return standing.isLive && panic === null;
}

/** Where the permission stands after a look at the bus. `isHalted`: null where the halt could not be read. */
export function allow(exits: Exits, permission: Reading<Permission>, isHalted: boolean | null, now: Instant): Step {
  // What can't be read changes nothing, and nothing is done on it.
  if (!permission.known) return [exits, []];
  const halted = isHalted === true;
  const standing = stand(exits.options, exits.standing, permission.value, halted);
  const toldStanding = halted ? "halted" : standing.isLive ? "live" : "shadow";
  const given = permission.value.given?.id ?? null;
  const isPermitted = given !== exits.panicUnder && standing.isLive;
  const [panic, again] = panicBehind(exits.panic, isPermitted, isHalted, permission.value.ownEnded === true, now);
  // A panic of its own is an incident before its halt is read, and that may be reset unseen.
  const [counted, remember] =
    halted || exits.panic !== null ? overHalt(exits.portfolio) : ([exits.portfolio, []] as const);
  const portfolio = halted || panic !== null ? counted : countFrom(counted, standing.newestPanic, now);
  const lines = toldStanding === exits.toldStanding ? [] : standingLines(toldStanding, exits.options);
  return [{ ...exits, standing, portfolio, panic, given, toldStanding }, [...again, ...remember, ...lines]];
}

/**
 * What a look at the bus makes of a panic. A halt is the answer to it; where that came and went unseen its report is, or a person's
 * permission that covers it.
 */
function panicBehind(
  panic: OwnPanic | null,
  isPermitted: boolean,
  isHalted: boolean | null,
  hasEnded: boolean,
  now: Instant,
): readonly [OwnPanic | null, readonly OwnPanicAction[]] {
  if (panic === null || isHalted === true || (panic.kind === "confirmed" && isPermitted)) return [null, []];
  // Where the halt could not be read neither its end nor its loss can be told.
  return isHalted === null ? [panic, []] : lookUnhalted(panic, hasEnded, now);
}

/** The panic of this brain's own whose end the bus is to be asked for; null: none is published. */
export function askedPanic({ panic }: Exits): string | null {
  return panic?.kind === "confirmed" ? panic.incidentId : null;
}

function standingLines(standing: "live" | "shadow" | "halted", { shadow }: StandingOptions): readonly Tell[] {
  switch (standing) {
    case "live":
      return [info("Live: the exit policy is acted on")];
    case "shadow": {
      const line = "Shadow: the exit policy is told and not acted on";
      return [shadow ? info(line) : warn(`${line}, until a person says: quantum brain live`)];
    }
    case "halted":
      // The halt is told by whoever reads it.
      return [];
  }
}

/** The venue has listed the legs; `equity` is null where no rule needs it. */
export function look(
  exits: Exits,
  positions: readonly Position[],
  equity: Reading<Equity> | null,
  moment: Moment,
): Step {
  const { options, rulebook } = exits;
  const [book, bookActions] = see(BOOK_LIMITS, exits.book, positions, lookOf(exits, moment));
  const [portfolio, weighed] =
    equity?.known === true
      ? weigh(options.policy.portfolio, exits.portfolio, equity.value, moment.now)
      : [exits.portfolio, []];
  const [backstop, stopActions] =
    stanceOf(exits, moment) === "act"
      ? watchStops(options.policy, rulebook, exits.backstop, { held: sidesOf(book), positions }, moment.now)
      : [exits.backstop, []];
  const next: Exits = { ...exits, book, portfolio, backstop, positions };
  const [after, portfolioActions] = raise(next, weighed, moment);
  return [after, [...bookActions, ...portfolioActions, ...stopActions]];
}

/** Something came back. */
export function hear(exits: Exits, event: ExitsEvent, moment: Moment): Step {
  const { options, rulebook } = exits;
  switch (event.kind) {
    case "closed": {
      const [book, actions] = heard(BOOK_LIMITS, exits.book, event.leg, event.outcome, lookOf(exits, moment));
      return [{ ...exits, book }, actions];
    }
    case "recalled": {
      const [book, actions] = recalled(BOOK_LIMITS, exits.book, event.leg, event.memory, moment.now);
      return [{ ...exits, book }, actions];
    }
    case "transfers": {
      const [portfolio, actions] = heardTransfers(exits.portfolio, event.transfers, moment.now, moment.wall);
      return raise({ ...exits, portfolio }, actions, moment);
    }
    case "stops": {
      const legs = { positions: exits.positions, held: sidesOf(exits.book) };
      const [backstop, actions] = alignStops(options.policy, rulebook, exits.backstop, legs, event.listed, moment.now);
      return [{ ...exits, backstop }, stanceOf(exits, moment) === "act" ? actions : []];
    }
    case "protected": {
      const [backstop, lines, reason] = heardProtect(exits.backstop, event.stop, event.outcome);
      if (reason === null) return [{ ...exits, backstop }, lines];
      const [book, actions] = leave(exits.book, legName(event.stop), reason);
      return [{ ...exits, backstop, book }, [...lines, ...actions]];
    }
    case "rulebook":
      return [{ ...exits, rulebook: event.rulebook }, []];
    case "named":
    case "raised":
    case "not_raised":
    case "called":
      return advancePanic(exits, event, moment.now);
    case "marks": {
      const [book, actions] = watchMarks(BOOK_LIMITS, exits.book, event.marks, lookOf(exits, moment));
      return [{ ...exits, book }, actions];
    }
  }
}

/** Advances the panic, if there is one, by what came back of it or by a timer. */
export function advancePanic(exits: Exits, event: OwnPanicEvent | { readonly kind: "timer" }, now: Instant): Step {
  if (exits.panic === null) return [exits, []];
  const [panic, actions] = inPanic(PANIC_LIMITS, exits.panic, event, now);
  return [panic === exits.panic ? exits : { ...exits, panic }, actions];
}

/** When a panic that is not confirmed is to be published again; null: none is. */
export function exitsDeadline({ panic }: Exits): Instant | null {
  return panic === null ? null : panicDeadline(panic);
}

/** What of the policy can't be judged now; null: nothing. It degrades the brain. */
export function blind({ book, options }: Exits, equity: Reading<Equity> | null): string | null {
  if (equity !== null && !equity.known) return `the account's equity can't be read: ${equity.why}`;
  return blindness(options.policy, book);
}

/** Whether a rule needs the account's equity. */
export function needsEquity({ portfolio }: ExitPolicy): boolean {
  const { dailyLossPercent, drawdownPercent } = portfolio;
  return dailyLossPercent !== null || drawdownPercent !== null;
}

function sidesOf({ legs }: Book): ReadonlyMap<string, Side> {
  return new Map([...legs].map(([name, { memory }]) => [name, memory.side]));
}

function lookOf(exits: Exits, moment: Moment): Look {
  const { options, rulebook } = exits;
  const { now, wall } = moment;
  return { policy: options.policy, rulebook, wall, now, stance: stanceOf(exits, moment) };
}

/** A halted or fenced brain neither acts nor tells: it is not its turn. */
function stanceOf(exits: Exits, { mayAct }: Moment): Look["stance"] {
  if (!mayAct || exits.panic !== null) return "watch";
  return exits.standing.isLive ? "act" : "tell";
}

/** A broken limit of the portfolio is a panic, once; in shadow it is told, once. */
function raise(exits: Exits, actions: readonly PortfolioAction[], moment: Moment): Step {
  const others: ExitsAction[] = [];
  let { panic, panicUnder, toldPanic } = exits;
  for (const action of actions) {
    if (action.kind !== "break") {
      others.push(action);
      continue;
    }
    const { reason } = action;
    const stance = stanceOf(exits, moment);
    if (stance === "act") {
      const [begun, actions] = beginPanic(reason);
      panic = begun;
      panicUnder = exits.given;
      others.push(...actions);
    } else if (stance === "tell" && toldPanic === null) {
      toldPanic = reason;
      others.push(warn(`Shadow, would raise a panic: ${reason}`));
    }
  }
  return [{ ...exits, panic, panicUnder, toldPanic }, others];
}
