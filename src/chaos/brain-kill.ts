/**
 * The runbook's drill: kill the exit brain, and see the account flat and trading halted in time.
 *
 * It judges its own incident only: the panic that follows its own blow, and the records with that event's id.
 */

import { Failure, Refusal } from "../config/refusal.ts";
import type { Check } from "../core/drill.ts";
import type { Completion } from "../core/messages.ts";
import { isAlive } from "../core/overview.ts";
import type { Reading } from "../core/reading.ts";
import type { UnixMillis } from "../core/time.ts";
import type { Bookmark, PanicRecord, RolePulse } from "../ports/bus.ts";
import type { Blow } from "../ports/supervisor.ts";
import { type DrillNotes, newNotes } from "./notes.ts";
import { type Recovery, recover } from "./recovery.ts";
import { type Stage, until } from "./stage.ts";
import { CRITERIA, checks } from "./verdict.ts";

/** How the brain is struck; `sigstop` leaves it alive and silent. */
export type Method = "sigkill" | "sigterm" | "sigstop";

/** The signal behind each method. */
const METHODS: Readonly<Record<Method, Blow>> = { sigkill: "SIGKILL", sigterm: "SIGTERM", sigstop: "SIGSTOP" };

/** Something that happened, relative to the blow. */
interface TimelineEntry {
  readonly atMs: number;
  readonly event: string;
}

/** What came of a drill. */
export interface DrillResult {
  readonly drill: "brain-kill";
  readonly method: Method;
  readonly target: Stage["target"];
  /** Every criterion passed, and the system came back by the runbook's recovery. */
  readonly passed: boolean;
  /** Null if no panic followed. */
  readonly eventId: string | null;
  readonly startedAt: UnixMillis;
  readonly checks: readonly Check[];
  readonly timeline: readonly TimelineEntry[];
  /** Null if it was not tried: after a failed drill the halt stays for a person. */
  readonly recovery: Recovery | null;
}

/** How long the roles may take to be ready. */
const STEADY_MS = 20_000;
/** Heartbeats in a row that count as steady. Runbook, step 1: five entries. */
const STEADY_BEATS = 5;
/** What the report may take after the account is flat: a second for the second witness, and slack. */
const REPORT_MS = 3_000;

/**
 * Runs the drill.
 *
 * @param notes gets what is known as soon as it is: a drill that throws leaves it there.
 * @throws {Refusal} if the system is not fit to be tested; it was not touched then.
 * @throws {Failure} if a person ends the drill, the blow can't be confirmed, or the bus is lost after it.
 */
export async function brainKill(stage: Stage, method: Method, notes: DrillNotes = newNotes()): Promise<DrillResult> {
  const { bus, progress, supervisor, victim } = stage;
  const { seen } = notes;
  const startedAt = await required(bus.now());
  notes.startedAt = startedAt;
  const symbols = await baseline(stage);

  const struck = await steadyBrain(stage);
  progress(
    `steady: ${symbols.length} open positions, heartbeat flowing. Striking the ${victim} with ${METHODS[method]}`,
  );
  const bookmark = await required(bus.bookmark());
  await required(stage.begin(startedAt));
  notes.struck = true;
  const blow = await supervisor.strike("brain", METHODS[method]);
  if (!blow.known) throw new Failure(`Whether the brain was struck is not known, ${blow.why}`);
  const struckAt = await bus.now();
  if (!struckAt.known) throw new Failure(`Redis was lost right after the blow, ${struckAt.why}`);
  const killedAt = struckAt.value;
  seen.killedAt = killedAt;
  progress(`${victim} killed`);

  const panic = await until(stage, "the watchdog's panic event", CRITERIA.detectionMs, () => ownPanic(stage, bookmark));
  notes.eventId = panic?.event.eventId ?? null;
  seen.panicAt = panic?.publishedAt ?? null;
  if (panic === null) progress("no panic event was published");
  else progress(`panic published ${panic.publishedAt - killedAt} ms after the blow: ${panic.event.reason}`);

  const completion = panic === null ? null : await report(stage, panic);
  seen.positionsFailed = completion === null ? null : failedOf(completion);
  seen.flatAt = await flatSince(stage, symbols, panic?.publishedAt ?? killedAt);
  seen.lastBeatAt = await lastBeat(stage, struck);
  const halt = await bus.halt();
  seen.halted = halt.known && panic !== null ? halt.value?.eventId === panic.event.eventId : null;
  const observed = checks(seen);

  const held = observed.every((check) => check.passed);
  const recovery = held && panic !== null ? await recover(stage, bookmark, panic.event.eventId) : null;
  const timeline = [
    moment(killedAt, seen.lastBeatAt, "last heartbeat"),
    moment(killedAt, killedAt, `${victim} struck with ${METHODS[method]}`),
    moment(killedAt, panic?.publishedAt ?? null, "panic published"),
    moment(killedAt, seen.flatAt, "last fill, account flat at the venue"),
    ...(recovery?.steps ?? []).map((step) => moment(killedAt, step.at, step.event)),
  ].flatMap((entry) => (entry === null ? [] : [entry]));

  return {
    drill: "brain-kill",
    method,
    target: stage.target,
    passed: held && recovery?.passed === true,
    eventId: panic?.event.eventId ?? null,
    startedAt,
    checks: observed,
    timeline: timeline.sort((a, b) => a.atMs - b.atMs),
    recovery,
  };
}

/** Runbook, "Prerequisites" and step 1: everything runs, nothing is halted, there is something to close. */
async function baseline(stage: Stage): Promise<readonly string[]> {
  const { bus, exchange, progress, supervisor, without } = stage;
  for (const role of ["brain", "watchdog", "eew"] as const) {
    if (role !== "brain" && without.includes(role)) continue;
    const running = await required(supervisor.running(role));
    if (!running) throw new Refusal(`${role} is not running: expected all three roles up before the drill`);
  }
  if ((await required(bus.halt())) !== null) {
    throw new Refusal("Trading is halted: expected a system at work. Look into the halt, then quantum reset");
  }
  const positions = await required(exchange.positions());
  if (positions.length === 0) {
    throw new Refusal("No position is open: expected one or two small test positions (runbook, step 2)");
  }
  progress(`waiting for steady state with ${positions.length} open positions`);
  const ready = await until(stage, "steady heartbeats of all roles", STEADY_MS, async () => {
    const overview = await bus.overview();
    return overview.known && overview.value.roles.every((role) => isReady(role, stage, positions.length)) ? true : null;
  });
  if (ready === null) {
    throw new Refusal(
      "The roles did not become steady: expected fresh ALIVE heartbeats of all of them, see quantum status",
    );
  }
  return [...new Set(positions.map((position) => position.symbol))];
}

function isReady(pulse: RolePulse, { without }: Stage, positions: number): boolean {
  const { role, last } = pulse;
  if (role !== "brain" && without.includes(role)) return true;
  if (last === null || !isAlive(pulse) || last.heartbeat.status !== "ALIVE") return false;
  if (role === "brain") return last.heartbeat.activePositions === positions;
  return role === "eew" || last.heartbeat.details?.state === "armed";
}

/** The brain that is struck: whose heartbeats count, and from where they are read. */
interface SteadyBrain {
  readonly instanceId: string | null;
  readonly bookmark: Bookmark;
}

/** Waits for a run of heartbeats of one instance. */
async function steadyBrain(stage: Stage): Promise<SteadyBrain> {
  const bookmark = await required(stage.bus.bookmark());
  const run = await until(stage, "five heartbeats in a row", STEADY_MS, async () => {
    const beats = await stage.bus.beatsSince(bookmark);
    return beats.known && beats.value.length >= STEADY_BEATS ? beats.value : null;
  });
  const ids = new Set(run?.map((beat) => beat.instanceId));
  const [instanceId] = ids;
  if (run === null || instanceId === undefined || ids.size !== 1) {
    throw new Refusal("Heartbeats are not steady: expected five in a row from one brain");
  }
  return { instanceId, bookmark };
}

async function ownPanic({ bus }: Stage, bookmark: Bookmark): Promise<PanicRecord | null> {
  const panics = await bus.panicsSince(bookmark);
  return panics.known ? (panics.value.find(({ event }) => event.issuedBy === "watchdog") ?? null) : null;
}

async function report(stage: Stage, panic: PanicRecord): Promise<Completion | null> {
  const { eventId } = panic.event;
  const completion = await until(stage, "the worker's report", CRITERIA.panicToFlatMs + REPORT_MS, async () => {
    const answer = await stage.bus.completion(eventId);
    return answer.known ? answer.value : null;
  });
  if (completion === null) stage.progress("the worker has not reported");
  else stage.progress(`worker reports ${completion.outcome} after ${completion.executionTimeMs} ms`);
  return completion;
}

/** A report that is not FLAT has failed somewhere, whatever it counts. */
function failedOf({ outcome, positionsFailed }: Completion): number {
  return outcome === "FLAT" ? positionsFailed : Math.max(1, positionsFailed);
}

/** When the venue filled the last order, on the bus's clock; null while it still shows a position or an order. */
async function flatSince(stage: Stage, symbols: readonly string[], since: UnixMillis): Promise<UnixMillis | null> {
  const { bus, exchange } = stage;
  const [positions, resting] = await Promise.all([exchange.positions(), exchange.restingOrders()]);
  if (!positions.known || positions.value.length > 0) return null;
  if (!resting.known || resting.value.length > 0) return null;
  // The venue's clock is as of its answer, so the bus is asked right after it: what is left of the way makes us look later.
  const venueNow = await exchange.now();
  const busNow = await bus.now();
  if (!busNow.known || !venueNow.known) return null;
  const ahead = venueNow.value - busNow.value;
  const filledAt = await exchange.lastFillAt(symbols, (since + ahead) as UnixMillis);
  return filledAt.known && filledAt.value !== null ? ((filledAt.value - ahead) as UnixMillis) : null;
}

/** The last heartbeat of the struck instance: what the watchdog's threshold is measured from. */
async function lastBeat({ bus }: Stage, { instanceId, bookmark }: SteadyBrain): Promise<UnixMillis | null> {
  const beats = await bus.beatsSince(bookmark);
  return beats.known ? (beats.value.findLast((beat) => beat.instanceId === instanceId)?.at ?? null) : null;
}

function moment(killedAt: UnixMillis, at: UnixMillis | null, event: string): TimelineEntry | null {
  return at === null ? null : { atMs: at - killedAt, event };
}

/** An answer without which there is no drill. Used before the blow only. */
async function required<T>(question: Promise<Reading<T>>): Promise<T> {
  const answer = await question;
  if (!answer.known) throw new Refusal(answer.why);
  return answer.value;
}
