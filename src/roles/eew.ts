import {
  type Account,
  deadline,
  type EewAction,
  type EewEvent,
  type EewLimits,
  type EewState,
  step,
} from "../core/eew.ts";
import type { LotRules } from "../core/lots.ts";
import { unknown } from "../core/reading.ts";
import { after } from "../core/time.ts";
import type { EewBus } from "../ports/bus.ts";
import type { Clock } from "../ports/clock.ts";
import type { Exchange } from "../ports/exchange.ts";
import type { Log } from "../ports/log.ts";
import type { LotStore } from "../ports/lot-store.ts";
import { type Identity, pulse } from "./pulse.ts";
import { type Running, run } from "./role.ts";

/** What the emergency exit worker runs on. */
export interface EewWorld {
  readonly clock: Clock;
  readonly bus: EewBus;
  readonly exchange: Exchange;
  readonly lots: LotStore;
  readonly log: Log;
  readonly limits: EewLimits;
  readonly identity: Identity;
}

/** Pause before a bus that does not answer is asked again. */
const BUS_RETRY_MS = 250;

/** Connections kept open to the venue, and how often they are proven: below the idle time of any server on the way. */
const WARM_SOCKETS = 8;
const WARM_EVERY_MS = 2_000;

/** The venue's lots change when it lists or changes a symbol; a symbol that is missing is closed all the same. */
const LOTS_EVERY_MS = 3_600_000;
const LOTS_RETRY_MS = 30_000;

/** After SIGTERM a pass is finished first; a report that Redis does not take is given up after this and stays pending. */
const FINISH_MS = 15_000;

/** Runs the worker until `signal` aborts and the pass under way is done; rejects only on a defect. */
export async function runEew(world: EewWorld, signal: AbortSignal): Promise<void> {
  const ears = new AbortController();
  const book: LotBook = { rules: world.lots.load() };
  const role = run<EewState, EewEvent, EewAction>(world.clock, {
    start: { kind: "idle" },
    step: (state, event, now) => step(world.limits, state, event, now),
    deadline,
    perform: (action, emit) => perform(world, book, action, emit, listen),
  });

  /** Ready for an event: either wait for it, or, once asked to stop, stop here where nothing is under way. */
  function listen(): void {
    if (signal.aborted) {
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
  await Promise.all([role.ended, keepWarm(world, ears.signal), keepLots(world, book, role, ears.signal)]);
}

/** The market lots as last read. */
interface LotBook {
  rules: LotRules;
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
  book: LotBook,
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
    case "read_account":
      void readAccount(world, action.restingWaitMs).then((account) => {
        emit({ kind: "account", askedAt: action.askedAt, account, lots: book.rules });
      });
      return;
    case "cancel":
      void exchange.cancel(action.symbol, action.family).then((outcome) => {
        emit({ kind: "cancel_answered", symbol: action.symbol, family: action.family, outcome });
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

/** Both halves of the account, asked together; `restingWaitMs` as in the action. */
async function readAccount({ clock, exchange }: EewWorld, restingWaitMs: number | null): Promise<Account> {
  const asked = exchange.restingOrders();
  const positions = await exchange.positions();
  if (restingWaitMs === null) return { positions, resting: await asked };
  const waited = new AbortController();
  const late = clock
    .sleep(restingWaitMs, waited.signal)
    .then(() => unknown(`resting orders: no answer ${restingWaitMs} ms after the positions`));
  const resting = await Promise.race([asked, late]);
  waited.abort();
  return { positions, resting };
}

/** The next event from the bus; null once nobody wants it any more. Each look that worked is followed by a heartbeat. */
async function nextEvent({ bus, clock, log, identity }: EewWorld, signal: AbortSignal): Promise<EewEvent | null> {
  const nextBeat = pulse(clock, identity);
  let lost = false;
  while (!signal.aborted) {
    const answer = await bus.next();
    if (!answer.known) {
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

/** Keeps connections open and the venue's clock known, so that a pass pays for neither. */
async function keepWarm({ clock, exchange, log }: EewWorld, signal: AbortSignal): Promise<void> {
  let cold = false;
  while (!signal.aborted) {
    const answer = await exchange.warm(WARM_SOCKETS);
    if (!answer.known && !cold) log.write("warn", `The venue does not answer: ${answer.why}`);
    if (answer.known && cold) log.write("info", "The venue answers again");
    cold = !answer.known;
    await clock.sleep(WARM_EVERY_MS, signal);
  }
}

/** Reads the market lots now and then, while nothing is under way: the answer is large, and parsing it takes its time. */
async function keepLots(
  { clock, exchange, log, lots }: EewWorld,
  book: LotBook,
  role: Running<EewState, EewEvent>,
  signal: AbortSignal,
): Promise<void> {
  let dueAt = clock.now();
  while (!signal.aborted) {
    if (clock.now() >= dueAt && role.state().kind === "idle") {
      const answer = await exchange.lotRules();
      if (answer.known) {
        book.rules = answer.value;
        if (!lots.save(answer.value))
          log.write("warn", "The market lots can't be saved: the next start reads them anew");
      } else if (book.rules.size === 0) {
        log.write("warn", `The market lots can't be read, large positions can't be split: ${answer.why}`);
      }
      dueAt = after(clock.now(), answer.known ? LOTS_EVERY_MS : LOTS_RETRY_MS);
    }
    await clock.sleep(WARM_EVERY_MS, signal);
  }
}
