import { plain } from "../core/decimal.ts";
import {
  deadline,
  type EewAction,
  type EewEvent,
  type EewLimits,
  type EewState,
  type Survey,
  step,
} from "../core/eew.ts";
import { eventOf } from "../core/eew-words.ts";
import type { Look, SentOrder } from "../core/flat.ts";
import type { Completion, Delivery, Ending, Halt } from "../core/messages.ts";
import { type CloseOrder, legName } from "../core/position.ts";
import { type Reading, unknown } from "../core/reading.ts";
import { type BusView, eewLine } from "../core/status-line.ts";
import { after, type Instant } from "../core/time.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { RulebookStore } from "../ports/rulebook-store.ts";
import { type EarsWorld, ears, type Passed } from "./eew-ears.ts";
import { type OwedReport, owedReports } from "./owed-reports.ts";
import { pulse } from "./pulse.ts";
import { refusals } from "./refusals.ts";
import { type Running, run } from "./role.ts";
import { say } from "./say.ts";
import { keepReady, type Memory } from "./upkeep.ts";

/** What the emergency exit worker runs on. */
export interface EewWorld extends EarsWorld {
  readonly exchange: Exchange;
  readonly rulebooks: RulebookStore;
  readonly limits: EewLimits;
}

/** How often the claim on an event is renewed while it is executed. Design section 4: 500 ms. */
const RENEW_MS = 500;

/** Renewals to a heartbeat: one a second, as while the worker is idle. A pass of ten seconds must not look like a death. */
const RENEWALS_PER_BEAT = 2;

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
  const listening = new AbortController();
  const memory: Memory = { rulebook: world.rulebooks.load(), snapshot: null, flatAt: null };
  const passes = new Map<string, Passed>();
  const nextBeat = pulse(world.clock, world.identity);
  // Not waited for: a slow write must hold up neither an event nor a pass. It settles within its own deadline.
  const beat = (state: string): void => void world.bus.beat("eew", nextBeat(state));
  let bus: BusView = { kind: "unseen" };
  const show = (): void => world.service.status(eewLine(role.state(), bus));
  const looked = (view: BusView): void => {
    bus = view;
    show();
    if (view.kind === "seen") beat("idle");
  };
  const heard = ears(world, memory, passes, looked);
  const refused = refusals(world);
  const owed = owedReports(world, ({ delivery }) => settled(delivery), listening.signal);
  const role = run<EewState, EewEvent, EewAction>(world.clock, {
    start: { kind: "idle" },
    step: (state, event, now) => step(world.limits, state, event, now),
    deadline,
    perform: (action, emit) => {
      if (action.kind === "owe") return owed.add(action);
      if (action.kind === "refuse") refused.add(action.delivery, action.why);
      if (action.kind === "report") {
        if (reported !== action.completion) {
          if (action.completion.outcome === "FLAT") memory.flatAt = world.clock.now();
          note(world, action.delivery, action.completion, action.halt);
        }
        reported = action.completion;
      }
      if (action.kind === "write_halt") begin(action.delivery);
      if (action.kind === "report") void report(action).then(emit);
      else perform(world, memory, action, emit, listen);
    },
    show,
  });
  const idle = (): boolean => role.state().kind === "idle";
  let reported: Completion | null = null;
  let hearing = false;

  function begin(delivery: Delivery): void {
    passes.set(delivery.eventId, { own: isOwn(delivery), onRecord: false });
    if (isOwn(delivery)) remember(world, delivery);
    void hold(world, role, delivery, beat);
  }
  async function report({ delivery, completion, halt }: OwedReport): Promise<EewEvent> {
    const { eventId } = delivery;
    const answer = owed.any()
      ? unknown("the reports of earlier passes go first")
      : await world.bus.report(delivery, completion, halt);
    // Confirmed or not: it came back, and is repeated where it has to be.
    world.service.worked();
    if (!answer.known) return { kind: "report_unconfirmed", eventId, why: answer.why };
    settled(delivery);
    return { kind: "reported", eventId };
  }
  function settled(delivery: Delivery): void {
    const { eventId } = delivery;
    passes.set(eventId, { own: isOwn(delivery), onRecord: true });
    world.journal.append({ kind: "reconciled", eventId });
  }

  /** Ready for an event: either wait for it, or, once asked to stop, stop here where nothing is under way. */
  function listen(): void {
    if (signal.aborted || (once && reported !== null)) {
      if (idle()) stop();
      return;
    }
    const what = idle() ? "Listening for panic_close events..." : "Going on to listen while the report waits for Redis";
    world.log.write("info", what);
    world.service.ready();
    show();
    if (hearing) return;
    hearing = true;
    void heard.next(listening.signal).then((event) => {
      hearing = false;
      if (event !== null) role.emit(event);
    });
  }
  function stop(): void {
    listening.abort();
    role.stop();
  }

  signal.addEventListener("abort", () => finish(world, role, stop), { once: true });
  // Before anything is warm: a venue that does not answer must not keep the worker from hearing, and halting.
  listen();
  void heard.hearBrain(listening.signal);
  await Promise.all([role.ended, keepReady(world, memory, () => hearing, listening.signal)]);
  refused.end();
  return reported;
}

/** The worker has raised it itself: until it is on the bus only the journal remembers it. */
function isOwn({ entryId }: Delivery): boolean {
  return entryId === "";
}

/** Before anything else of a pass: what only this worker knows of would be forgotten with it. */
function remember({ journal, log }: EewWorld, delivery: Delivery): void {
  const { eventId, reason, issuedBy, followsUp } = delivery;
  if (journal.append({ kind: "raised", eventId, reason: reason ?? "", issuedBy: issuedBy ?? "eew", followsUp })) return;
  const line = "The journal can't be written: a restart in the middle of this pass would forget it";
  log.write("critical", line, "alarm", eventOf(delivery));
}

/**
 * Before the first order, for whoever finishes the pass. The exit never waits for Redis to have it, and where neither has it
 * the report counts what is open by then: less than was closed, and never better than the venue says.
 */
function noteFound({ bus, journal }: EewWorld, { delivery, found }: Extract<EewAction, { kind: "note_found" }>): void {
  if (isOwn(delivery)) journal.append({ kind: "found", eventId: delivery.eventId, legs: found });
  void bus.noteFound(delivery, found);
}

/** After it, for whoever calls again, and for the day on which Redis has lost it. */
function note({ direct, journal, log }: EewWorld, delivery: Delivery, completion: Completion, halt: Halt): void {
  const { outcome, open } = endingOf(completion);
  const { entryId, followsUp } = delivery;
  direct.ended(completion.eventId, { outcome, open });
  if (journal.append({ kind: "executed", halt, outcome, entryId, followsUp, residual: open })) return;
  const then = "after a restart nobody would put this halt back if Redis lost it";
  log.write("critical", `The journal can't be written: ${then}`, "alarm", eventOf(delivery));
}

function endingOf({ outcome, residual, failedSymbols }: Completion): Ending {
  const named = residual.map((leg) => `${legName(leg)} ${plain(leg.amount)}`);
  return { outcome, open: named.length > 0 ? named : failedSymbols };
}

/** How late a timer may be on a busy machine. One that is later is not coming. */
const TIMER_LATE_MS = 1_000;

/**
 * Whether the pass advances. Its core says by when it wants to be called at the latest, ten seconds after the event at most,
 * and has always moved on once it was: past that moment the role's loop takes no events any more.
 */
function advances(state: EewState, now: Instant): boolean {
  const due = deadline(state);
  return due === null || now <= due + TIMER_LATE_MS;
}

/**
 * Shows for as long as the pass goes on that it does: another worker would take the event over, people would miss this one.
 *
 * To the supervisor each renewal is a useful cycle as long as the pass advances: a call to the venue may take four seconds, so
 * its answers alone would come too seldom. The report has answers of its own.
 */
async function hold(
  { bus, clock, service }: EewWorld,
  role: Running<EewState, EewEvent>,
  delivery: Delivery,
  beat: (state: string) => void,
): Promise<void> {
  const goesOn = (state: EewState): boolean => state.kind !== "idle" && state.delivery.eventId === delivery.eventId;
  for (let renewals = 1; goesOn(role.state()); renewals++) {
    if (role.state().kind !== "reporting" && advances(role.state(), clock.now())) service.worked();
    // Not confirmed: the next one may be, and a pass that two workers execute can only reduce.
    if (!isOwn(delivery)) await bus.renew(delivery);
    await clock.sleep(RENEW_MS);
    const { kind } = role.state();
    // A report that is not confirmed is waited for while the ears are open, and they beat for themselves.
    if (renewals % RENEWALS_PER_BEAT === 1 && goesOn(role.state()) && kind !== "reporting") beat("executing");
  }
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
  action: Exclude<EewAction, { kind: "report" | "owe" }>,
  emit: (event: EewEvent) => void,
  listen: () => void,
): void {
  const { bus, exchange, log } = world;
  switch (action.kind) {
    case "tell":
      say(log, action);
      return;
    case "listen":
      listen();
      return;
    case "write_halt":
      void bus.writeHalt(action.halt).then((answer) => {
        emit(answer.known ? { kind: "halt_written" } : { kind: "halt_unconfirmed", why: answer.why });
      });
      return;
    case "note_found":
      noteFound(world, action);
      return;
    case "survey":
      void survey(world, memory, action).then((survey) => {
        emit({ kind: "surveyed", askedAt: action.askedAt, survey });
      });
      return;
    case "look":
      void Promise.all([look(world, memory, action.again), lookUp(world, action.after)]).then(([look, resolved]) => {
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
    case "refuse":
      // Not confirmed: it stays pending, is delivered again and refused again.
      if (!isOwn(action.delivery)) void bus.acknowledge(action.delivery);
      return;
  }
}

/** The first look of a pass, as in the action. */
async function survey(
  { clock, exchange }: EewWorld,
  memory: Memory,
  { again, waitMs }: Extract<EewAction, { kind: "survey" }>,
): Promise<Survey> {
  const askOthers = () => [exchange.restingOrders(), exchange.positionMode()] as const;
  const early = again ? null : askOthers();
  const positions = await exchange.positions();
  const asked = early ?? (positions.known ? askOthers() : ([positions, positions] as const));
  const waited = new AbortController();
  const late = clock.sleep(waitMs, waited.signal);
  const inTime = async <T>(what: string, reading: Reading<T> | Promise<Reading<T>>): Promise<Reading<T>> =>
    await Promise.race([reading, late.then(() => unknown(`${what}: no answer ${waitMs} ms after the positions`))]);
  const [resting, mode] = await Promise.all([inTime("resting orders", asked[0]), inTime("position mode", asked[1])]);
  waited.abort();
  const { rulebook, snapshot } = memory;
  const [budget, silentUntil] = [exchange.orderBudget(), exchange.silentUntil()];
  return { positions, resting, mode, rulebook, snapshot, budget, silentUntil };
}

async function look({ clock, exchange }: EewWorld, memory: Memory, again: boolean): Promise<Look> {
  const takenAt = clock.now();
  const early = again ? null : exchange.restingOrders();
  const positions = await exchange.positions();
  if (positions.known) memory.snapshot = { positions: positions.value, takenAt };
  if (early !== null) return { positions, resting: await early };
  const isOpen = !positions.known || positions.value.length > 0;
  const resting = isOpen ? unknown("not asked while positions are open, or not known") : await exchange.restingOrders();
  return { positions, resting };
}

async function lookUp({ exchange }: EewWorld, orders: readonly CloseOrder[]): Promise<readonly SentOrder[]> {
  return await Promise.all(orders.map(async (order) => ({ order, outcome: await exchange.lookUp(order) })));
}
