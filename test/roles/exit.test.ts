/** The three roles as they ship, in one process: real clock and loops, bus and venue in memory, limits shortened. */

import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { BRAIN_LIMITS } from "../../src/core/brain.ts";
import { EEW_LIMITS, type EewLimits } from "../../src/core/eew.ts";
import type { PanicEvent } from "../../src/core/messages.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import { WATCHDOG_LIMITS } from "../../src/core/watchdog-state.ts";
import type { Exchange } from "../../src/ports/exchange.ts";
import type { JournalRecord } from "../../src/ports/journal.ts";
import type { Log } from "../../src/ports/log.ts";
import type { RulebookStore } from "../../src/ports/rulebook-store.ts";
import { UNSUPERVISED } from "../../src/ports/service.ts";
import { runBrain } from "../../src/roles/brain.ts";
import { runEew } from "../../src/roles/eew.ts";
import { runWatchdog } from "../../src/roles/watchdog.ts";
import { SimulatedBus } from "../../src/sim/bus.ts";
import { simulatedExchange } from "../../src/sim/exchange.ts";
import { Venue } from "../../src/sim/venue.ts";
import { eventually } from "../support/eventually.ts";
import { SECOND_LINE } from "../support/second-line.ts";

// `eventually` has a bound of its own, with a better message.
setDefaultTimeout(30_000);

const API_KEY = "roles-key";
const BRAIN = { ...BRAIN_LIMITS, cycleMs: 50, overdueMs: 150 };
const WATCHDOG = { ...WATCHDOG_LIMITS, heartbeatMissingMs: 500 };
const EEW: EewLimits = { ...EEW_LIMITS, witnessGapMs: 100, lookAgainMs: 20, reportAgainMs: 20 };

/** A role that runs, and its log. */
interface Role {
  readonly lines: readonly string[];
  /** Settles once it has stopped. */
  readonly ended: Promise<unknown>;
  /** Asks it to stop. */
  abort(): void;
  /** Asks it to stop, and waits until it has. */
  stop(): Promise<void>;
}

let bus: SimulatedBus;
let venue: Venue;
let instances = 0;
const roles: Role[] = [];

beforeEach(() => {
  bus = new SimulatedBus(hostClock);
  venue = new Venue({ now: hostClock.wall });
  venue.addAccount({ apiKey: API_KEY, secret: "secret" });
  venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "0.002" });
  venue.openPosition(API_KEY, { symbol: "ETHUSDT", amount: "-0.05" });
});
afterEach(async () => {
  for (const role of roles.splice(0)) await role.stop();
});

function start(run: (log: Log, signal: AbortSignal) => Promise<unknown>): Role {
  const lines: string[] = [];
  const stop = new AbortController();
  const ended = run({ write: (_level, text) => void lines.push(text) }, stop.signal);
  const role: Role = {
    lines,
    ended,
    abort: () => stop.abort(),
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
  roles.push(role);
  return role;
}

function identity(serviceId: string): { readonly serviceId: string; readonly instanceId: string } {
  return { serviceId, instanceId: `instance-${instances++}` };
}

/** Nothing is kept between lives. */
const noRulebook: RulebookStore = { load: () => new Map(), save: () => true };

const exchange = (): Exchange => simulatedExchange(venue, API_KEY);

function startBrain(): Role {
  const world = {
    clock: hostClock,
    service: UNSUPERVISED,
    bus: bus.brain(),
    exchange: exchange(),
    limits: BRAIN,
    policy: null,
  };
  return start((log, signal) => runBrain({ ...world, log, identity: identity("exit_brain") }, signal));
}

function startWatchdog(): Role {
  const world = { clock: hostClock, service: UNSUPERVISED, bus: bus.watchdog(), limits: WATCHDOG };
  return start((log, signal) => runWatchdog({ ...world, direct: null, log, identity: identity("watchdog") }, signal));
}

function startEew(at: Exchange = exchange()): Role {
  const world = {
    clock: hostClock,
    bus: bus.eew("worker"),
    exchange: at,
    limits: EEW,
    rulebooks: noRulebook,
    ...SECOND_LINE,
  };
  return start((log, signal) => runEew({ ...world, log, identity: identity("emergency_exit_worker") }, { signal }));
}

function said(role: Role, words: string): boolean {
  return role.lines.some((line) => line.includes(words));
}

function times(role: Role, words: string): number {
  return role.lines.filter((line) => line.includes(words)).length;
}

async function armed(watchdog: Role): Promise<void> {
  await eventually("the watchdog is armed", () => said(watchdog, "Armed: watching the exit brain"));
}

/** An operator's panic, unlike the watchdog's. */
function opsPanic(eventId: string): PanicEvent {
  return { eventId, reason: "OPERATOR_PANIC", issuedBy: "ops", ts: hostClock.wall() };
}

describe("a pass that ends NOT_FLAT", () => {
  /** Refuses closes for certain until it is told to stop. */
  function stubborn(): { readonly venue: Exchange; relent(): void } {
    let refusing = true;
    const open = exchange();
    const close: Exchange["close"] = async (order) =>
      refusing ? { kind: "refused", cause: "other", code: -4131, why: "POST order: -4131" } : await open.close(order);
    return {
      venue: { ...open, close },
      relent: () => {
        refusing = false;
      },
    };
  }

  const quick = { ...WATCHDOG, followUpMs: 50, completionOverdueMs: 1_000 };

  function startQuickWatchdog(): Role {
    const world = { clock: hostClock, service: UNSUPERVISED, bus: bus.watchdog(), limits: quick };
    return start((log, signal) => runWatchdog({ ...world, direct: null, log, identity: identity("watchdog") }, signal));
  }

  test("is followed up, attempt after attempt, until the account is flat, also by a watchdog started in the middle", async () => {
    const { venue: refusing, relent } = stubborn();
    const watchdog = startQuickWatchdog();
    startEew(refusing);
    const brain = startBrain();
    await armed(watchdog);
    await brain.stop();
    await eventually("two attempts have failed", () => bus.completions().length >= 2);
    expect(bus.completions().every(({ outcome }) => outcome === "NOT_FLAT")).toBe(true);
    await watchdog.stop();
    const second = startQuickWatchdog();
    const before = bus.panics().length;
    await eventually("the new watchdog follows up", () => bus.panics().length > before);
    relent();
    await eventually("an attempt is FLAT", () => bus.completions().some(({ outcome }) => outcome === "FLAT"));
    await eventually("the watchdog has heard it", () => said(second, "ended FLAT: halted until a person resets it"));
    expect(venue.positions(API_KEY)).toEqual([]);
    const [root, ...followUps] = bus.panics();
    expect(root?.followsUp).toBeUndefined();
    expect(followUps.map(({ followsUp }) => followsUp?.incidentId)).toEqual(followUps.map(() => root?.eventId));
    expect(followUps.map(({ followsUp }) => followsUp?.number)).toEqual(followUps.map((_, i) => i + 2));
  });

  test("is followed up once by two watchdogs", async () => {
    const { venue: refusing, relent } = stubborn();
    const watchdogs = [startQuickWatchdog(), startQuickWatchdog()];
    startEew(refusing);
    const brain = startBrain();
    for (const watchdog of watchdogs) await armed(watchdog);
    await brain.stop();
    await eventually("three attempts are published", () => bus.panics().length >= 3);
    relent();
    await eventually("an attempt is FLAT", () => bus.completions().some(({ outcome }) => outcome === "FLAT"));
    const numbers = bus.panics().map(({ followsUp }) => followsUp?.number ?? 1);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test("is not followed up after a person's reset", async () => {
    const { venue: refusing } = stubborn();
    const watchdog = startQuickWatchdog();
    const eew = startEew(refusing);
    const brain = startBrain();
    await armed(watchdog);
    await brain.stop();
    await eventually("an attempt has failed", () => bus.completions().length >= 1);
    await eew.stop();
    bus.reset();
    await eventually("the watchdog has seen the reset", () => said(watchdog, "Halt cleared by a person"));
    const published = bus.panics().length;
    await hostClock.sleep(3 * quick.completionOverdueMs);
    expect(bus.panics().length).toBe(published);
  });
});

test("a list of resting orders that never comes does not hold up the closes", async () => {
  const never = <T>(): Promise<T> => new Promise(() => undefined);
  let asked = 0;
  const open = exchange();
  // Silent the first time only: the look after the close is answered.
  const restingOrders: Exchange["restingOrders"] = () => (asked++ === 0 ? never() : open.restingOrders());
  startEew({ ...open, restingOrders });
  await bus.publish(opsPanic("late-orders"));
  await eventually("the pass is reported", () => bus.completions().length === 1);
  expect(bus.completions()[0]).toMatchObject({ outcome: "FLAT", positionsClosed: 2 });
});

test("a position over the market lot size is closed in as many orders as it takes, exactly", async () => {
  venue.openPosition(API_KEY, { symbol: "BTCUSDT", amount: "-300.123" });
  const eew = startEew();
  await bus.publish(opsPanic("large"));
  await eventually("the pass is reported", () => bus.completions().length === 1);
  expect(bus.completions()[0]).toMatchObject({ outcome: "FLAT", positionsTotal: 2, positionsClosed: 2 });
  expect(venue.positions(API_KEY)).toEqual([]);
  const { max } = venue.rules("BTCUSDT").marketLot;
  expect(times(eew, "Closing BTCUSDT: BUY")).toBe(Math.ceil(300.123 / Number(max)));
});

test("a worker whose venue never answers listens at once, halts, and says that it does not know", async () => {
  const never = <T>(): Promise<T> => new Promise(() => undefined);
  const unread = async () => unknown("GET positions: no answer");
  const limits = { ...EEW, passMs: 300 };
  const mute: Exchange = { ...exchange(), warm: never, positions: unread, restingOrders: unread };
  const world = {
    clock: hostClock,
    bus: bus.eew("worker"),
    exchange: mute,
    limits,
    rulebooks: noRulebook,
    ...SECOND_LINE,
  };
  const eew = start((log, signal) =>
    runEew({ ...world, log, identity: identity("emergency_exit_worker") }, { signal }),
  );
  roles.splice(roles.indexOf(eew), 1);
  expect(said(eew, "Listening for panic_close events...")).toBe(true);
  await bus.publish(opsPanic("mute-1"));
  await eventually("the report is on record", () => bus.completions().length === 1);
  expect(bus.completions()[0]).toMatchObject({ outcome: "UNKNOWN", failedSymbols: ["*"] });
  expect(await bus.brain().halt()).toMatchObject({ known: true, value: { eventId: "mute-1" } });
  eew.abort();
});

/** A venue whose closes are answered only once they are released. */
function held(inner: Exchange): { readonly exchange: Exchange; asked(): number; release(): void } {
  let release: () => void = () => undefined;
  let asked = 0;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const close: Exchange["close"] = async (order) => {
    asked += 1;
    await released;
    return await inner.close(order);
  };
  return { exchange: { ...inner, close }, asked: () => asked, release: () => release() };
}

describe("a brain that stops", () => {
  test("is missed once, everything is closed and proven flat, and trading is halted", async () => {
    const watchdog = startWatchdog();
    const eew = startEew();
    const brain = startBrain();
    await armed(watchdog);
    expect(bus.panics()).toEqual([]);

    await brain.stop();
    await eventually("the pass is reported", () => bus.completions().length === 1);
    expect(bus.panics()).toMatchObject([{ issuedBy: "watchdog" }]);
    expect(bus.panics()[0]?.reason).toMatch(/^EXIT_BRAIN_HEARTBEAT_MISSING_\(\d\.\dS_>_0\.5S\)$/);
    expect(bus.completions()).toMatchObject([
      { eventId: bus.panics()[0]?.eventId, outcome: "FLAT", positionsTotal: 2, positionsClosed: 2, positionsFailed: 0 },
    ]);
    expect(venue.positions(API_KEY)).toEqual([]);
    expect(venue.fills(API_KEY)).toHaveLength(2);
    expect(await bus.brain().halt()).toMatchObject({ known: true, value: { source: "watchdog", positionsClosed: 2 } });

    await eventually("the watchdog is halted", () => said(watchdog, "halted until a person resets it"));
    expect(watchdog.lines).toContain("TRIGGERING PANIC CLOSE");
    expect(watchdog.lines).toContain("Panic close published to system:panic_close");
    expect(eew.lines).toContain("Found 2 open positions");
    expect(eew.lines).toContain("Closed: 2/2");
    expect(eew.lines).toContain("PANIC CLOSE COMPLETE - SYSTEM HALTED");
    expect(times(eew, "PANIC CLOSE EVENT RECEIVED")).toBe(1);
  });

  test("is watched again after a reset and a new start, without a second panic", async () => {
    const watchdog = startWatchdog();
    startEew();
    const brain = startBrain();
    await armed(watchdog);
    await brain.stop();
    await eventually("the watchdog is halted", () => said(watchdog, "halted until a person resets it"));

    // The runbook's recovery: clear, then start.
    bus.reset();
    await eventually("the reset is seen", () => said(watchdog, "Halt cleared by a person"));
    const second = startBrain();
    await eventually("the watchdog is armed again", () => times(watchdog, "Armed: watching the exit brain") === 2);
    await eventually("the new brain has decided", () => said(second, "No open positions"));
    expect(bus.panics()).toHaveLength(1);

    // And it is no longer a watchdog in name only.
    await second.stop();
    await eventually("the second death is missed too", () => bus.panics().length === 2);
    expect(bus.panics()[1]?.eventId).not.toBe(bus.panics()[0]?.eventId);
  });

  test("is missed once by two watchdogs", async () => {
    const watchdogs = [startWatchdog(), startWatchdog()];
    startEew();
    const brain = startBrain();
    await Promise.all(watchdogs.map(armed));
    await brain.stop();
    for (const watchdog of watchdogs) {
      await eventually("both are halted", () => said(watchdog, "halted until a person resets it"));
    }
    expect(bus.panics()).toHaveLength(1);
    expect(bus.completions()).toHaveLength(1);
  });

  test("is not missed while it beats: no panic while the limit passes several times", async () => {
    const watchdog = startWatchdog();
    startEew();
    startBrain();
    await armed(watchdog);
    const from = performance.now();
    await eventually(
      "the limit has passed three times",
      () => performance.now() - from > 3 * WATCHDOG.heartbeatMissingMs,
    );
    expect(bus.panics()).toEqual([]);
    expect(venue.positions(API_KEY)).toHaveLength(2);
  });
});

describe("a worker that is asked to stop", () => {
  test("in the middle of a pass finishes the pass first", async () => {
    const { exchange: slow, asked, release } = held(exchange());
    const eew = startEew(slow);
    await bus.publish(opsPanic("first"));
    await eventually("both closes are under way", () => asked() === 2);
    eew.abort();
    await eventually("the worker says so", () => said(eew, "Asked to stop in the middle of a pass"));
    expect(bus.completions()).toEqual([]);

    release();
    await eew.ended;
    expect(bus.completions()).toMatchObject([{ eventId: "first", outcome: "FLAT", positionsClosed: 2 }]);
    expect(venue.positions(API_KEY)).toEqual([]);
  });

  test("takes no further event after the pass: the next worker finds it", async () => {
    const { exchange: slow, asked, release } = held(exchange());
    const eew = startEew(slow);
    await bus.publish(opsPanic("first"));
    await eventually("both closes are under way", () => asked() === 2);
    eew.abort();
    await bus.publish(opsPanic("second"));
    release();
    await eew.ended;
    expect(bus.completions().map(({ eventId }) => eventId)).toEqual(["first"]);

    startEew();
    await eventually("the next worker reports", () => bus.completions().length === 2);
    expect(bus.completions()[1]).toMatchObject({ eventId: "second", outcome: "FLAT", positionsTotal: 0 });
  });

  test("while nothing is under way stops at once", async () => {
    const eew = startEew();
    await eventually("the worker listens", () => said(eew, "Listening for panic_close events..."));
    const from = performance.now();
    await eew.stop();
    expect(performance.now() - from).toBeLessThan(1_000);
  });

  test("before it listened stops at once", async () => {
    const eew = startEew();
    const from = performance.now();
    await eew.stop();
    expect(performance.now() - from).toBeLessThan(1_000);
  });
});

test("a worker that comes up late finds its work waiting", async () => {
  await bus.publish(opsPanic("early"));
  startEew();
  await eventually("the pass is reported", () => bus.completions().length === 1);
  expect(bus.completions()).toMatchObject([{ eventId: "early", outcome: "FLAT", positionsClosed: 2 }]);
});

test("a watchdog that starts after the brain has died panics at once, with the true age", async () => {
  const brain = startBrain();
  await eventually("the brain has decided", () => said(brain, "Watching 2 positions"));
  await brain.stop();
  const from = performance.now();
  await eventually("the limit has passed", () => performance.now() - from > 2 * WATCHDOG.heartbeatMissingMs);
  startWatchdog();
  startEew();
  await eventually("the pass is reported", () => bus.completions().length === 1);
  expect(bus.panics()[0]?.reason).toMatch(/^EXIT_BRAIN_HEARTBEAT_MISSING_\([1-9]\.\dS_>_0\.5S\)$/);
});

test("a brain that can't read its positions any more is as good as dead", async () => {
  const watchdog = start((log, signal) => {
    const limits = { ...WATCHDOG, degradedMs: 300 };
    return runWatchdog(
      {
        clock: hostClock,
        service: UNSUPERVISED,
        bus: bus.watchdog(),
        direct: null,
        limits,
        log,
        identity: identity("watchdog"),
      },
      signal,
    );
  });
  startEew();
  let blind = false;
  const inner = exchange();
  const positions: Exchange["positions"] = () =>
    blind ? Promise.resolve({ known: false, why: "the venue is silent" }) : inner.positions();
  start((log, signal) =>
    runBrain(
      {
        clock: hostClock,
        service: UNSUPERVISED,
        bus: bus.brain(),
        exchange: { ...inner, positions },
        policy: null,
        limits: BRAIN,
        log,
        identity: identity("exit_brain"),
      },
      signal,
    ),
  );
  await armed(watchdog);
  blind = true;
  await eventually("the pass is reported", () => bus.completions().length === 1);
  expect(bus.panics()[0]?.reason).toMatch(/^EXIT_BRAIN_DEGRADED_\(\d\.\dS_>_0\.3S\)$/);
  expect(venue.positions(API_KEY)).toEqual([]);
});

test("a pass in which a close is never answered ends by its own limit, and says what it knows", async () => {
  const { exchange: slow } = held(exchange());
  const world = {
    clock: hostClock,
    bus: bus.eew("worker"),
    exchange: slow,
    rulebooks: noRulebook,
    ...SECOND_LINE,
    limits: { ...EEW, passMs: 300 },
  };
  start((log, signal) => runEew({ ...world, log, identity: identity("emergency_exit_worker") }, { signal }));
  await bus.publish(opsPanic("stuck"));
  await eventually("the pass is reported", () => bus.completions().length === 1);
  expect(bus.completions()[0]).toMatchObject({
    outcome: "UNKNOWN",
    positionsFailed: 2,
    failedSymbols: ["BTCUSDT", "ETHUSDT"],
  });
  expect(await bus.brain().halt()).toMatchObject(known({ eventId: "stuck" }));
});

test("a pass whose end the journal can't take is reported all the same, and that it will be forgotten is told", async () => {
  const written: JournalRecord[] = [];
  const append = (record: JournalRecord): boolean => written.push(record) < 0;
  const world = {
    clock: hostClock,
    bus: bus.eew("worker"),
    exchange: exchange(),
    limits: EEW,
    rulebooks: noRulebook,
    ...SECOND_LINE,
    journal: { ...SECOND_LINE.journal, append },
  };
  const eew = start((log, signal) => runEew({ ...world, log, identity: identity("e") }, { signal }));
  await bus.publish(opsPanic("full-disk"));
  await eventually("the pass is over", () => said(eew, "SYSTEM HALTED"));
  expect(written).toMatchObject([
    { kind: "executed", halt: { eventId: "full-disk", positionsClosed: 2 }, outcome: "FLAT", followsUp: null },
    { kind: "reconciled", eventId: "full-disk" },
  ]);
  expect(times(eew, "The journal can't be written: after a restart nobody would put this halt back")).toBe(1);
});

test("while the positions can't be read nothing else is asked, but for the first time: it weighs too much to be asked in vain", async () => {
  const calm = exchange();
  const asked: string[] = [];
  const ask = async <T>(what: string, read: () => Promise<Reading<T>>): Promise<Reading<T>> => {
    asked.push(what);
    return await read();
  };
  const eew = startEew({
    ...calm,
    // Neither while idle nor the first three times of the pass, which begins with its list of orders: nothing is remembered.
    positions: () =>
      ask("positions", async () => {
        const inPass = asked.slice(asked.indexOf("orders")).filter((what) => what === "positions").length;
        return !asked.includes("orders") || inPass <= 3 ? unknown("GET positions: 503") : await calm.positions();
      }),
    restingOrders: () => ask("orders", calm.restingOrders),
    positionMode: () => ask("mode", calm.positionMode),
  });
  await eventually("the worker listens", () => said(eew, "Listening"));
  await bus.publish(opsPanic("unreadable"));
  await eventually("the pass is over", () => said(eew, "SYSTEM HALTED"));
  const inPass = asked.slice(asked.indexOf("orders")).join(" ");
  expect(inPass).toStartWith("orders mode positions positions positions positions orders mode");
});

describe("a role that was asked to stop before it started", () => {
  async function endsIn(ms: number, run: (signal: AbortSignal) => Promise<unknown>): Promise<boolean> {
    const late = hostClock.sleep(ms).then(() => false);
    return await Promise.race([run(AbortSignal.abort()).then(() => true), late]);
  }
  const log: Log = { write: () => undefined };

  test("brain ends", async () => {
    const world = {
      clock: hostClock,
      service: UNSUPERVISED,
      bus: bus.brain(),
      exchange: exchange(),
      limits: { ...BRAIN, cycleMs: 10_000 },
      policy: null,
    };
    expect(await endsIn(500, (signal) => runBrain({ ...world, log, identity: identity("b") }, signal))).toBe(true);
  });

  test("watchdog ends", async () => {
    const world = { clock: hostClock, service: UNSUPERVISED, bus: bus.watchdog(), limits: WATCHDOG };
    expect(
      await endsIn(500, (signal) => runWatchdog({ ...world, direct: null, log, identity: identity("w") }, signal)),
    ).toBe(true);
  });

  test("eew ends", async () => {
    const world = {
      clock: hostClock,
      bus: bus.eew("worker"),
      exchange: exchange(),
      limits: EEW,
      rulebooks: noRulebook,
      ...SECOND_LINE,
    };
    expect(await endsIn(500, (signal) => runEew({ ...world, log, identity: identity("e") }, { signal }))).toBe(true);
  });
});
