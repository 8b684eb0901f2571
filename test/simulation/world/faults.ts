/** What can go wrong, and when it does: drawn from the seed before the run begins, so that one strike less moves no other. */

import { type Draw, pick, span, stream } from "../../../src/sim/world/draw.ts";

/** What can go wrong; and the market, a bot and a person, who do not stand still meanwhile. */
export const FAULTS = [
  "crash",
  "crash_in_pass",
  "cut_in_pass",
  "pause",
  "pause_many",
  "site",
  "second_brain",
  "redis_link",
  "venue_link",
  "direct_link",
  "redis_gone",
  "redis_frozen",
  "redis_emptied",
  "redis_failover",
  "redis_refuses",
  "redis_clock",
  "wall_clock",
  "clock_rate",
  "venue_errors",
  "venue_late",
  "venue_partial",
  "venue_stale",
  "venue_ban",
  "market",
  "entry_fills",
  "stray_order",
  "entry_at_begin",
  "reset_early",
] as const;
/** What else can go wrong around a brain with a policy; a list of its own, so that what other runs draw stays as it is. */
export const EXIT_FAULTS = [
  "hands_reduce",
  "hands_grow",
  "hands_turn",
  "hands_close",
  "hands_reopen",
  "take_profit_rests",
  "jump",
  "transfer",
  "brain_disk",
  "disk_on_exit",
  "crash_on_exit",
  "cut_on_exit",
  "redis_emptied_on_exit",
  "pause_workers_on_raise",
] as const;
/** One of those. */
export type ExitFault = (typeof EXIT_FAULTS)[number];
/** One of all. */
export type Fault = (typeof FAULTS)[number] | ExitFault;

/** One fault at one time. */
export interface Strike {
  /** `crash#3`: the same in every run of the seed, whatever else is left out. Its details are drawn from the stream of that name. */
  readonly id: string;
  readonly fault: Fault;
  /** After the beginning of the storm. */
  readonly atMs: number;
}

/** Swarm testing: each run knows about half of the kinds, and goes far with them. */
const SHARE = 0.5;
/** How often a kind that is on strikes: every so many milliseconds on average, drawn for each run. */
const EVERY_MS = [6_000, 60_000] as const;

/** The kinds that the seed switches on: about half, and one at least. */
export function kindsOf(seed: number): ReadonlySet<Fault> {
  const draw = stream(seed, "kinds");
  const certain = pick(draw, FAULTS);
  return new Set(FAULTS.filter((fault) => draw() < SHARE || fault === certain));
}

/** The strikes of a storm that lasts so long, in the order of time. Sites have none: they strike as they are passed. */
export function strikesOf(seed: number, kinds: ReadonlySet<Fault>, lastsMs: number): readonly Strike[] {
  const strikes = [...kinds]
    .filter((fault) => fault !== "site")
    .flatMap((fault) => of(fault, stream(seed, fault), lastsMs));
  return strikes.sort((a, b) => a.atMs - b.atMs);
}

function of(fault: Fault, draw: Draw, lastsMs: number): readonly Strike[] {
  const everyMs = span(draw, ...EVERY_MS);
  const strikes: Strike[] = [];
  for (let atMs = 0; ; ) {
    atMs += Math.round(-Math.log(1 - draw()) * everyMs);
    if (atMs >= lastsMs) return strikes;
    strikes.push({ id: `${fault}#${strikes.length + 1}`, fault, atMs });
  }
}
