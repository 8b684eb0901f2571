/**
 * One seed, one run: a storm, in which everything must stay safe, and an ending, in which what is left must finish.
 *
 * For the ending a core is drawn: one worker and the venue, with or without Redis, with or without one watchdog. The core is
 * healed, everything else is dead for ever, the brain first of all. Then the account has to get flat, and with Redis in the
 * core that has to be on record, within a bound; or the run says why not.
 */

import type { PastHalt } from "../../../src/core/halt-memory.ts";
import type { Reading } from "../../../src/core/reading.ts";
import type { Instant } from "../../../src/core/time.ts";
import { type Draw, pick, stream } from "../../../src/sim/world/draw.ts";
import type { Site } from "../../../src/sim/world/sites.ts";
import { ROLES, type RoleName, World } from "../../../src/sim/world.ts";
import { ExitWatch } from "./exit-watch.ts";
import type { Fault } from "./faults.ts";
import type { Incident } from "./incidents.ts";
import { owed } from "./owed.ts";
import { exitsOf, POLICY } from "./policies.ts";
import { type LeftOut, Storm } from "./storm.ts";
import { Witness } from "./witness.ts";

/** How a run ended. */
type Ending =
  | "flat on record"
  | "flat, without Redis"
  /** Not flat, and nobody who is left can know that a brain had lived: after a start, a reset or a loss of data. */
  | "nobody left who knew of the brain"
  /** The account is flat; Redis has lost the report or the halt, and nobody is left who remembers it. */
  | "flat, and Redis has lost the report"
  | "flat but for an order, and Redis has lost the pass"
  | "flat but for an order, halted late"
  /** Not flat, and no watchdog is left to follow up what a pass left open (design rule 4). */
  | "nobody left to follow up"
  | "BROKEN";

/** What came of one seed. */
export interface Outcome {
  readonly seed: number;
  readonly ending: Ending;
  /** What does not hold, in words; empty: everything did. */
  readonly broken: readonly string[];
  readonly virtualMs: number;
  readonly faults: ReadonlyMap<Fault, number>;
  /** What has struck, by id. */
  readonly strikes: readonly string[];
  /** How often each fault site was passed, and struck. */
  readonly sites: { readonly passed: ReadonlyMap<Site, number>; readonly struck: ReadonlyMap<Site, number> };
  /** Of the storm. */
  readonly incidents: readonly Incident[];
  /** The death of the brain in a system that was well; null: the run had another ending. */
  readonly death: Death | null;
  readonly lines: readonly string[];
  /** Over every line: the same on every runtime. */
  readonly hash: string;
}

/** What followed the brain's last moment. */
interface Death {
  readonly left: "watchdog and Redis" | "Redis" | "a watchdog" | "nothing but a worker";
  readonly noticedMs: number;
  /** From then on until the last fill; null: nothing was open. */
  readonly flatMs: number | null;
}

/** What stays. */
interface Core {
  readonly worker: "eew1" | "eew2";
  readonly watchdog: "wd1" | "wd2" | null;
  readonly redis: boolean;
  /** The core, the brain and Redis are well for a while before the rest dies, so everyone left knows what to miss. */
  readonly calm: boolean;
  /** In that while a second brain appears beside the first. */
  readonly second: boolean;
}

const WARM_UP_MS = 5_000;
/** Time for an incident or several, and for the reset between them; rather more seeds than longer ones. */
const STORM_MS = [40_000, 130_000] as const;
/** Long enough for a pass. */
const SETTLE_MS = 12_000;
const CALM_MS = 20_000;
/** Limits of the second line (10 s), a pass (10 s), a follow-up behind an overdue completion (10 s) and its pass. */
const CALM_LIMIT_MS = 45_000;
/** Besides, pauses between follow-ups that had grown to 30 s, and two passes more. */
const LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 250;
/**
 * L1: the rule's limit, and a second for the look in which it is seen; where Redis is gone or the watchdog is, the time that
 * it takes to be sure of that: 5 or 10 s, and the longest look.
 */
const NOTICED_LIMIT_MS: Readonly<Record<Death["left"], number>> = {
  "watchdog and Redis": 6_000,
  Redis: 14_000,
  "a watchdog": 8_000,
  "nothing but a worker": 9_000,
};
/** Both have beaten twice. */
const SECOND_SEEN_MS = 3_500;
/** From the reset to the first order. */
const TRADES_AFTER_MS = 3_000;

/** Lives through one seed, without those of its faults that are left out. */
export async function runSeed(seed: number, leftOut: LeftOut = new Set()): Promise<Outcome> {
  const exits = leftOut.has(POLICY) ? null : exitsOf(seed);
  const world = new World<Witness>(seed, (truth) => new Witness(truth), exits);
  if (exits !== null)
    world.witness.exits = new ExitWatch(world, exits, (rule, what) => world.witness.fails(rule, what));
  const draw = stream(seed, "run");
  const person = new Person(world, stream(seed, "person"), stream(seed, "person and policy"));
  for (const role of ROLES) world.start(role);
  trade(world, draw);
  await watch(world, WARM_UP_MS);
  const stormMs = Math.round(STORM_MS[0] + draw() * (STORM_MS[1] - STORM_MS[0]));
  const storm = new Storm(world, seed, stormMs, leftOut, () => person.resetEarly());
  for (let left = stormMs; left > 0; left -= LOOK_EVERY_MS) {
    await world.pass(LOOK_EVERY_MS);
    world.witness.look();
    await person.look();
    await lookForHalt(world);
  }
  storm.end();
  const stormy = [...world.witness.incidents.all];
  const { ending, death } = await end(world, person, drawCore(draw));
  for (const what of world.grown()) world.witness.broken.push(`${what.startsWith("qx-") ? "X1" : "S4"}: ${what}`);
  const { broken } = world.witness;
  const { passed, struck } = storm.sites;
  return {
    seed,
    ending: broken.length > 0 ? "BROKEN" : ending,
    broken,
    virtualMs: world.time.now(),
    faults: storm.struck,
    strikes: exits === null ? storm.strikes : [POLICY, ...storm.strikes],
    sites: { passed, struck },
    incidents: stormy,
    death,
    lines: world.trace.lines,
    hash: world.trace.digest(),
  };
}

function drawCore(draw: Draw): Core {
  const worker = pick(draw, ["eew1", "eew2"] as const);
  const watchdog = pick(draw, ["wd1", "wd2", null] as const);
  const [redis, calm, second] = [draw() < 0.6, draw() < 0.5, draw() < 0.2];
  return { worker, watchdog, redis, calm, second: calm && second && watchdog !== null };
}

/** What the bot has open, and an entry that rests. */
function trade(world: World<Witness>, draw: Draw): void {
  world.openPosition("BTCUSDT", pick(draw, ["0.5", "-0.3", "2"]));
  if (draw() < 0.7) world.openPosition("ETHUSDT", pick(draw, ["5", "-7.5"]));
  if (draw() < 0.5) world.restEntry("BTCUSDT", "0.2", "0.99");
}

/** Clears the halt once it is seen that the account is flat, and trades again. */
class Person {
  readonly #world: World<Witness>;
  readonly #draw: Draw;
  readonly #exitDraw: Draw;
  #patience = 40;
  #tradesIn = 0;
  #allowsIn = 0;
  #allowed = 0;

  /** `exitDraw` is for what only a brain with a policy needs. */
  constructor(world: World<Witness>, draw: Draw, exitDraw: Draw) {
    this.#world = world;
    this.#draw = draw;
    this.#exitDraw = exitDraw;
  }

  async look(): Promise<void> {
    const { bus, redis } = this.#world;
    if (redis.life() === null || redis.isPaused()) return;
    const { halted, standing } = answerOf(await bus.eew("person").sightOf(null));
    if (this.#tradesIn > 0 && --this.#tradesIn === 0 && !halted) this.#trade();
    if (this.#allowsIn > 0 && --this.#allowsIn === 0 && !halted) this.#allowLive();
    if (standing?.outcome === "FLAT" && this.#world.exits !== null) this.#takeStopsAway();
    if (standing?.outcome !== "FLAT" || this.#world.left().length > 0 || --this.#patience > 0) return;
    this.#patience = 4 + Math.round(80 * this.#draw());
    this.#tradesIn = TRADES_AFTER_MS / LOOK_EVERY_MS;
    this.#reset(standing);
  }

  /** The same at once, where Redis is there. */
  async startAnew(): Promise<void> {
    const { halted, standing } = answerOf(await this.#world.bus.eew("person").sightOf(null));
    if (this.#world.left().length > 0 || (halted && standing?.outcome !== "FLAT")) return;
    if (standing !== null) this.#reset(standing);
    await watch(this.#world, TRADES_AFTER_MS);
    this.#trade();
  }

  /** Not in the middle of a pass: a list that the worker has read is true as of then. */
  #trade(): void {
    if (!this.#world.witness.anyPass()) trade(this.#world, this.#draw);
  }

  #reset({ halt }: PastHalt): void {
    this.#world.trace.tell("person", `RESETS the halt of ${halt.eventId}`);
    this.#world.reset();
    if (this.#world.exits === null) return;
    const allows = this.#exitDraw() < 0.8;
    this.#allowsIn = allows ? 1 + Math.round(40 * this.#exitDraw()) : 0;
  }

  #allowLive(): void {
    this.#world.allowLive(`live-${++this.#allowed}`);
    this.#world.witness.exits?.look();
  }

  /** What came in behind the last look of the pass keeps `quantum reset` from clearing the halt. */
  #takeStopsAway(): void {
    const { apiKey, venue, witness } = this.#world;
    const restsOnly = venue.positions(apiKey).length === 0 && venue.openOrders(apiKey).length === 0;
    if (restsOnly && !witness.anyPass() && venue.openAlgoOrders(apiKey).length > 0) this.#world.cancelByHand();
  }

  /** By hand, whatever is under way. */
  resetEarly(): void {
    const { redis } = this.#world;
    if (redis.life() === null || redis.isPaused()) return;
    this.#world.trace.tell("person", "RESETS, whatever is under way");
    this.#world.reset();
  }
}

/** Lets time pass, with an eye on a brain that has a policy. */
async function watch(world: World<Witness>, ms: number): Promise<void> {
  const { exits } = world.witness;
  if (exits === null) return await world.pass(ms);
  for (let left = ms; left > 0; left -= LOOK_EVERY_MS) {
    await world.pass(Math.min(left, LOOK_EVERY_MS));
    exits.look();
  }
}

async function end(
  world: World<Witness>,
  person: Person,
  core: Core,
): Promise<{ readonly ending: Ending; readonly death: Death | null }> {
  const { worker, watchdog, redis, calm, second } = core;
  const { witness } = world;
  const kept: readonly RoleName[] = watchdog === null ? [worker] : [worker, watchdog];
  world.trace.tell("ENDING", JSON.stringify(core));
  if (calm) {
    revive(world, ["brain", ...kept], true);
    await watch(world, SETTLE_MS);
    await seeHaltPutBack(world, worker);
    await person.startAnew();
    await watch(world, CALM_MS);
    if (second) await showSecondBrain(world);
  }
  const lastBeatAt = await world.brainHeardAt();
  const { halted } = answerOf(await world.bus.eew("judge").sightOf(null));
  const leftBefore = world.left();
  const diedAt = world.time.now();
  for (const role of ROLES) {
    witness.troubles.begin(role);
    if (!kept.includes(role)) world.crash(role);
  }
  witness.troubles.begin("redis");
  if (!redis) world.stopRedis();
  revive(world, kept, redis);
  const limitMs = calm ? CALM_LIMIT_MS : LIMIT_MS;
  let why: string | null = "not begun";
  for (let passed = 0; passed < limitMs && why !== null; passed += LOOK_EVERY_MS) {
    await world.pass(LOOK_EVERY_MS);
    witness.look();
    const isNoticed = !calm || halted || noticedSince(world, diedAt) !== undefined;
    why = isNoticed ? await pending(world, redis) : "nobody has noticed";
  }
  const death = calm && !halted ? deathOf(world, core, diedAt, leftBefore.length > 0) : null;
  if (why === null) return { ending: redis ? "flat on record" : "flat, without Redis", death };
  return { ending: await whyNot(world, core, { lastBeatAt, halted, leftBefore, why, limitMs }), death };
}

/** S7: neither of two brains stands in for the other. */
async function showSecondBrain(world: World<Witness>): Promise<void> {
  const { halted } = answerOf(await world.bus.eew("judge").sightOf(null));
  const beganAt = world.time.now();
  world.witness.troubles.begin("brain");
  world.start("brain2");
  await world.pass(SECOND_SEEN_MS);
  world.crash("brain2");
  world.witness.troubles.end("brain");
  if (!halted && noticedSince(world, beganAt) === undefined)
    world.witness.broken.push(`S7: two brains beat side by side for ${SECOND_SEEN_MS} ms, and nobody says so`);
}

/** Names why a run has not come to its end, if that is no fault. */
async function whyNot(
  world: World<Witness>,
  core: Core,
  {
    lastBeatAt,
    halted,
    leftBefore,
    why,
    limitMs,
  }: {
    readonly lastBeatAt: number | null;
    readonly halted: boolean;
    readonly leftBefore: readonly string[];
    readonly why: string;
    readonly limitMs: number;
  },
): Promise<Ending> {
  const { watchdog, redis, calm } = core;
  const owing = await owed(world, core);
  if (owing !== null) {
    world.witness.broken.push(`L2: after ${limitMs} ms ${why}, and ${owing}`);
    return "BROKEN";
  }
  if (lastBeatAt === null || lastBeatAt <= world.resetAt) return "nobody left who knew of the brain";
  if (!calm && (watchdog === null || !redis)) return "nobody left who knew of the brain";
  if (watchdog === null && halted) return "nobody left to follow up";
  if (world.left().length === 0 && world.witness.hasLostData()) return "flat, and Redis has lost the report";
  // What rests is no violation of a halt, only what it opens is: a pass that was cut off before its last look, and that Redis has
  // lost with its event, may leave an order behind that nobody knows of.
  const rests = world.left().every((what) => / order /.test(what));
  // Nor does anyone look for it where a halt is put back and other hands have closed the legs that would have violated it.
  const wasLost = world.exits !== null || world.witness.events.hasLostAPass();
  if (rests && world.witness.hasLostData() && wasLost) return "flat but for an order, and Redis has lost the pass";
  // Nor where a report that Redis did not take in time halts what was opened behind a reset, and that was closed by others: by hand,
  // or by another worker's pass of the same event, which was cut off and is over with that report.
  if (rests && world.witness.events.haltedLate()) return "flat but for an order, halted late";
  world.witness.broken.push(`L2: after ${limitMs} ms ${why}; before that ${leftBefore.join(", ") || "nothing open"}`);
  return "BROKEN";
}

function noticedSince(world: World<Witness>, diedAt: Instant): Incident | undefined {
  return world.witness.incidents.all.find(({ trippedAt }) => trippedAt >= diedAt);
}

/** L1: when those who are left have noticed that the brain is dead. */
function deathOf(world: World<Witness>, core: Core, diedAt: Instant, wasOpen: boolean): Death | null {
  const { watchdog, redis } = core;
  const left =
    watchdog === null ? (redis ? "Redis" : "nothing but a worker") : redis ? "watchdog and Redis" : "a watchdog";
  const limitMs = NOTICED_LIMIT_MS[left];
  const noticed = noticedSince(world, diedAt);
  if (noticed === undefined || noticed.trippedAt - diedAt > limitMs) {
    const words =
      noticed === undefined ? "nobody notices" : `noticed after ${Math.round(noticed.trippedAt - diedAt)} ms`;
    world.witness.broken.push(`L1: ${words} that the brain died, and left was ${left}: ${limitMs} ms`);
  }
  if (noticed === undefined) return null;
  const filledAt = world.lastFillAt();
  const flatMs =
    wasOpen && filledAt !== null && world.left().length === 0 ? Math.max(0, filledAt - noticed.trippedAt) : null;
  return { left, noticedMs: noticed.trippedAt - diedAt, flatMs };
}

/** Starts or wakes everyone named, and Redis. */
function revive(world: World<Witness>, roles: readonly RoleName[], redis: boolean): void {
  if (redis) {
    world.redis.resume();
    world.startRedis();
  }
  for (const role of roles) {
    world.hosts[role].resume();
    if (world.hosts[role].life() === null) world.start(role);
  }
}

/** What is still missing; null: nothing. */
async function pending(world: World<Witness>, redis: boolean): Promise<string | null> {
  const left = world.left();
  if (left.length > 0) return `open is ${left.join(", ")}`;
  if (!redis) return null;
  const { halted, standing } = answerOf(await world.bus.eew("judge").sightOf(null));
  if (!halted) return "trading is not halted";
  if (standing === null) return "the halt's event is not executed";
  const isFlat = standing.outcome === "FLAT" || endedFlat(world, standing.halt.eventId);
  if (!isFlat) return `the halt's event is on record as ${standing.outcome}`;
  return world.witness.events.unfinished();
}

/** S15, where there was time enough for it. */
async function seeHaltPutBack({ bus, witness }: World<Witness>, worker: Core["worker"]): Promise<void> {
  const { halted } = answerOf(await bus.eew("judge").sightOf(null));
  if (!halted && witness.events.remembersHalt(worker))
    witness.broken.push(`S15: trading is not halted, and ${worker} has in its journal that it is`);
}

async function lookForHalt({ bus, redis, witness }: World<Witness>): Promise<void> {
  if (redis.life() !== null) witness.events.lookForHalt(answerOf(await bus.eew("judge").sightOf(null)).halted);
}

/** Whether another attempt of its incident is on record as FLAT: behind a reset an earlier one that is reported late halts again. */
function endedFlat({ bus }: World<Witness>, eventId: string): boolean {
  const attempts = bus.panics();
  const incidentOf = (id: string): string =>
    attempts.find((attempt) => attempt.eventId === id)?.followsUp?.incidentId ?? id;
  const flat = bus.completions().filter(({ outcome }) => outcome === "FLAT");
  return flat.some((report) => incidentOf(report.eventId) === incidentOf(eventId));
}

/** The record is at hand here: nothing gets lost. */
function answerOf<T>(reading: Reading<T>): T {
  if (!reading.known) throw new Error(reading.why);
  return reading.value;
}
