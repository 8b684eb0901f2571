import {
  deadline,
  type EewAction,
  type EewEvent,
  type EewLimits,
  type EewState,
  type Survey,
  step,
} from "../core/eew.ts";
import type { Look, SentOrder } from "../core/flat.ts";
import type { Completion } from "../core/messages.ts";
import type { CloseOrder } from "../core/position.ts";
import { type Reading, unknown } from "../core/reading.ts";
import { after } from "../core/time.ts";
import type { EewBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { Log } from "../ports/log.ts";
import type { RulebookStore } from "../ports/rulebook-store.ts";
import { keepReady, type Memory } from "./eew-upkeep.ts";
import { type Identity, pulse } from "./pulse.ts";
import { type Running, run } from "./role.ts";

/** What the emergency exit worker runs on. */
export interface EewWorld {
  readonly clock: Clock;
  readonly bus: EewBus;
  readonly exchange: Exchange;
  readonly rulebooks: RulebookStore;
  readonly log: Log;
  readonly limits: EewLimits;
  readonly identity: Identity;
}

/** Pause before a bus that does not answer is asked again. */
const BUS_RETRY_MS = 250;

/** After SIGTERM a pass is finished first; a report that Redis does not take is given up after this and stays pending. */
const FINISH_MS = 15_000;

/** How a worker ends: by being asked to, or after its first pass. */
export interface EewRun {
  readonly signal: AbortSignal;
  readonly once?: boolean;
}

/**
 * Runs the worker until `signal` aborts and the pass under way is done, or `once` for one pass; rejects only on a defect.
 * The value is what it reported last; null if nothing.
 */
export async function runEew(world: EewWorld, { signal, once = false }: EewRun): Promise<Completion | null> {
  const ears = new AbortController();
  const memory: Memory = { rulebook: world.rulebooks.load(), snapshot: null };
  const role = run<EewState, EewEvent, EewAction>(world.clock, {
    start: { kind: "idle" },
    step: (state, event, now) => step(world.limits, state, event, now),
    deadline,
    perform: (action, emit) => {
      if (action.kind === "report") reported = action.completion;
      perform(world, memory, action, emit, listen);
    },
  });
  let reported: Completion | null = null;

  /** Ready for an event: either wait for it, or, once asked to stop, stop here where nothing is under way. */
  function listen(): void {
    if (signal.aborted || (once && reported !== null)) {
      stop();
      return;
    }
    world.log.write("info", "Listening for panic_close events...");
    void nextEvent(world, ears.signal).then((event) => event !== null && role.emit(event));
  }
  function stop(): void {
    ears.abort();
    role.stop();
  }

  signal.addEventListener("abort", () => finish(world, role, stop), { once: true });
  // Before anything is warm: a venue that does not answer must not keep the worker from hearing, and halting.
  listen();
  const idle = (): boolean => role.state().kind === "idle";
  await Promise.all([role.ended, keepReady(world, memory, idle, ears.signal)]);
  return reported;
}

function finish({ clock, log }: EewWorld, role: Running<EewState, EewEvent>, stop: () => void): void {
  if (role.state().kind === "idle") {
    stop();
    return;
  }
  log.write("warn", "Asked to stop in the middle of a pass: finishing it first");
  clock.at(after(clock.now(), FINISH_MS), stop);
}

function perform(
  world: EewWorld,
  memory: Memory,
  action: EewAction,
  emit: (event: EewEvent) => void,
  listen: () => void,
): void {
  const { bus, exchange, log } = world;
  switch (action.kind) {
    case "tell":
      log.write(action.level, action.text, action.mark);
      return;
    case "listen":
      listen();
      return;
    case "write_halt":
      void bus.writeHalt(action.halt).then((answer) => {
        emit(answer.known ? { kind: "halt_written" } : { kind: "halt_unconfirmed", why: answer.why });
      });
      return;
    case "survey":
      void survey(world, memory, action.waitMs).then((survey) => {
        emit({ kind: "surveyed", askedAt: action.askedAt, survey });
      });
      return;
    case "look":
      void Promise.all([look(world, memory), lookUp(world, action.after)]).then(([look, resolved]) => {
        emit({ kind: "looked", askedAt: action.askedAt, look, resolved, silentUntil: exchange.silentUntil() });
      });
      return;
    case "cancel":
      void exchange.cancel(action.request).then((outcome) => {
        emit({ kind: "cancel_answered", request: action.request, outcome });
      });
      return;
    case "close":
      void exchange.close(action.order).then((outcome) => {
        emit({ kind: "close_answered", order: action.order, outcome });
      });
      return;
    case "report":
      void bus.report(action.delivery, action.completion, action.halt).then((answer) => {
        emit(answer.known ? { kind: "reported" } : { kind: "report_unconfirmed", why: answer.why });
      });
      return;
    case "refuse":
      // Not confirmed: it stays pending, is delivered again and refused again.
      void bus.acknowledge(action.delivery);
      return;
  }
}

/** The first look of a pass; `waitMs` as in the action. */
async function survey({ clock, exchange }: EewWorld, memory: Memory, waitMs: number): Promise<Survey> {
  const asked = [exchange.restingOrders(), exchange.positionMode()] as const;
  const positions = await exchange.positions();
  const waited = new AbortController();
  const late = clock.sleep(waitMs, waited.signal);
  const inTime = async <T>(what: string, reading: Promise<Reading<T>>): Promise<Reading<T>> =>
    await Promise.race([reading, late.then(() => unknown(`${what}: no answer ${waitMs} ms after the positions`))]);
  const [resting, mode] = await Promise.all([inTime("resting orders", asked[0]), inTime("position mode", asked[1])]);
  waited.abort();
  const { rulebook, snapshot } = memory;
  const [budget, silentUntil] = [exchange.orderBudget(), exchange.silentUntil()];
  return { positions, resting, mode, rulebook, snapshot, budget, silentUntil };
}

async function look({ clock, exchange }: EewWorld, memory: Memory): Promise<Look> {
  const takenAt = clock.now();
  const [positions, resting] = await Promise.all([exchange.positions(), exchange.restingOrders()]);
  if (positions.known) memory.snapshot = { positions: positions.value, takenAt };
  return { positions, resting };
}

async function lookUp({ exchange }: EewWorld, orders: readonly CloseOrder[]): Promise<readonly SentOrder[]> {
  return await Promise.all(orders.map(async (order) => ({ order, outcome: await exchange.lookUp(order) })));
}

/** The next event from the bus; null once nobody wants it any more. Each look that worked is followed by a heartbeat. */
async function nextEvent({ bus, clock, log, identity }: EewWorld, signal: AbortSignal): Promise<EewEvent | null> {
  const nextBeat = pulse(clock, identity);
  let lost = false;
  while (!signal.aborted) {
    const answer = await bus.next();
    if (!answer.known) {
      // A connection that was closed because nobody listens any more is no outage.
      if (signal.aborted) return null;
      if (!lost) log.write("warn", `Redis does not answer, panic events cannot be seen: ${answer.why}`);
      lost = true;
      await clock.sleep(BUS_RETRY_MS, signal);
      continue;
    }
    if (lost) log.write("info", "Redis answers again");
    lost = false;
    if (answer.value !== null) return { kind: "panic", delivery: answer.value };
    // Not waited for: a slow write must not hold up the next event. It settles within its own deadline.
    void bus.beat("eew", nextBeat("idle"));
  }
  return null;
}
