/** A deployment that plays a script on virtual time: what a drill meets, with one thing wrong in it. */

import type { Stage } from "../../src/chaos/stage.ts";
import { decimal } from "../../src/core/decimal.ts";
import type { Completion, Halt, Heartbeat, PanicEvent } from "../../src/core/messages.ts";
import type { Position } from "../../src/core/position.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import type { Instant, UnixMillis } from "../../src/core/time.ts";
import type { BeatingRole, DrillBus, PanicRecord, RolePulse } from "../../src/ports/bus.ts";
import type { Exchange } from "../../src/ports/exchange.ts";
import type { Blow } from "../../src/ports/supervisor.ts";
import { aBeat, aPosition } from "../support/core.ts";

/** The event of the incident that the blow raises. */
export const OWN = "own-event";

/** When the bus's clock starts. */
export const EPOCH: UnixMillis = 1_795_450_000_000 as UnixMillis;

/** What happens, where it differs from a deployment that works. */
export interface Script {
  /** Open before the blow. */
  readonly positions?: readonly Position[];
  /** Who publishes a panic after the blow; null: nobody. */
  readonly panicBy?: PanicEvent["issuedBy"] | null;
  /** Age of the last heartbeat when the panic is published. */
  readonly detectedAfterMs?: number;
  /** From the panic to the venue's last fill. */
  readonly closedAfterMs?: number;
  /** What the worker reports instead; null: nothing. */
  readonly report?: Partial<Completion> | null;
  /** What the venue shows when all orders are done. */
  readonly left?: readonly Position[];
  /** Whose event the halt is of after the incident; null: there is no halt. */
  readonly haltedBy?: string | null;
  /** The halt before the drill. */
  readonly haltBefore?: Halt | null;
  /** Panics besides the own one, by when they are published; before the blow that is somebody's older incident. */
  readonly others?: readonly { readonly atMs: number; readonly event: PanicEvent }[];
  /** What the brain says before the blow; null: it is silent. */
  readonly brainSays?: string | null;
  /** Roles that do not run. */
  readonly down?: readonly BeatingRole[];
  /** What the watchdog says that it does. */
  readonly watchdogState?: string;
  /** The brain does not beat again after its restart. */
  readonly staysDead?: boolean;
  /** The watchdog does not watch again after the restart. */
  readonly staysBlind?: boolean;
  /** How long after the restart a second panic comes; null: never. */
  readonly secondPanicMs?: number | null;
  /** The venue's clock against the bus's. */
  readonly venueAheadMs?: number;
  /** Questions that are not answered. */
  readonly unreadable?: readonly ("positions" | "halt" | "now" | "clearHalt" | "begin" | "strike")[];
}

/** The stage, and what was done on it. */
export interface ScriptedStage extends Stage {
  readonly blows: readonly Blow[];
  readonly told: readonly string[];
  /** How often the drill was put on record before the blow. */
  readonly begun: () => number;
  /** Milliseconds from the start to the first blow; null: none fell. */
  struckAtMs(): number | null;
}

const BEAT_MS = 1_000;

/** A deployment with two open positions that does what it should, but for what the script says. */
export function scriptedStage(script: Script = {}, signal: AbortSignal = new AbortController().signal): ScriptedStage {
  const {
    positions = [aPosition("BTCUSDT", "0.002"), aPosition("ETHUSDT", "-0.05", "2000")],
    panicBy = "watchdog",
    detectedAfterMs = 5_004,
    closedAfterMs = 212,
    report = {},
    left = [],
    haltedBy = OWN,
    haltBefore = null,
    others = [],
    brainSays = "ALIVE",
    down = [],
    watchdogState = "armed",
    staysDead = false,
    staysBlind = false,
    secondPanicMs = null,
    venueAheadMs = 0,
    unreadable = [],
  } = script;
  const blows: Blow[] = [];
  const told: string[] = [];
  let begun = 0;
  let now = 0;
  let struckAt: number | null = null;
  let clearedAt: number | null = null;
  let restartedAt: number | null = null;

  const lastBeatAt = (): number => Math.floor((struckAt ?? 0) / BEAT_MS) * BEAT_MS;
  const panicAt = (): number | null => (struckAt === null || panicBy === null ? null : lastBeatAt() + detectedAfterMs);
  const flatAt = (): number | null => {
    const from = panicAt();
    return from === null ? null : from + closedAfterMs;
  };
  const passed = (at: number | null): boolean => at !== null && now >= at;
  const wall = (at: number): UnixMillis => (EPOCH + at) as UnixMillis;
  const ask = async <T>(what: string, value: () => T): Promise<Reading<T>> =>
    unreadable.some((name) => name === what) ? unknown(`${what} can't be read`) : known(value());

  /** Every heartbeat so far, by time: the first life until the blow, the second from the restart. */
  const beats = (): { readonly at: UnixMillis; readonly instanceId: string; readonly heartbeat: Heartbeat }[] => {
    const lives = [
      { from: -10_000, to: struckAt ?? now, instanceId: "instance-1", silent: brainSays === null },
      {
        from: (restartedAt ?? now) + 300,
        to: now,
        instanceId: "instance-2",
        silent: restartedAt === null || staysDead,
      },
    ];
    return lives.flatMap(({ from, to, instanceId, silent }) => {
      if (silent || to < from) return [];
      const count = Math.floor((to - from) / BEAT_MS) + 1;
      return Array.from({ length: count }, (_, i) => ({ at: wall(from + i * BEAT_MS), instanceId, heartbeat: says() }));
    });
  };
  const says = (): Heartbeat => ({ ...aBeat(brainSays ?? "").heartbeat, activePositions: positions.length });

  const records = (): readonly PanicRecord[] => {
    const event: PanicEvent = { eventId: OWN, reason: "TEST", issuedBy: panicBy ?? "ops", ts: EPOCH };
    const second = restartedAt === null || secondPanicMs === null ? null : restartedAt + secondPanicMs;
    const all = [
      ...others,
      { atMs: panicAt() ?? Number.POSITIVE_INFINITY, event },
      { atMs: second ?? Number.POSITIVE_INFINITY, event: { ...event, eventId: "second-event", reason: "SECOND" } },
    ];
    return all
      .filter(({ atMs }) => now >= atMs)
      .map(({ atMs, event: each }) => ({ event: each, publishedAt: wall(atMs), outcome: null }));
  };

  const halt = (): Halt | null => {
    if (clearedAt !== null) return null;
    if (!passed(flatAt())) return haltBefore;
    return haltedBy === null ? null : { reason: "TEST", source: "watchdog", eventId: haltedBy, positionsClosed: 2 };
  };

  const pulse = (role: BeatingRole): RolePulse => {
    const heartbeat = role === "brain" ? says() : aBeat().heartbeat;
    const { details } = heartbeat;
    const watching = restartedAt === null ? watchdogState : staysBlind ? "waiting" : "armed";
    const state = role === "watchdog" ? watching : "idle";
    const last = beats().at(-1);
    if (role !== "brain") {
      return { role, last: { heartbeat: { ...heartbeat, details: details && { ...details, state } }, ageMs: 10 } };
    }
    return { role, last: last === undefined ? null : { heartbeat, ageMs: wall(now) - last.at } };
  };

  const completion = (): Completion => ({
    eventId: OWN,
    outcome: "FLAT",
    positionsTotal: 2,
    positionsClosed: 2,
    positionsFailed: 0,
    failedSymbols: [],
    executionTimeMs: 240,
    reason: "TEST",
    source: "watchdog",
    ordersCancelled: 0,
    residual: [],
    notionalUsd: decimal("200"),
    ...report,
  });

  const bus: DrillBus = {
    now: () => ask("now", () => wall(now)),
    halt: () => ask("halt", halt),
    publish: never("publish"),
    lastDrill: never("read the last drill"),
    exitRecords: never("read what a policy remembers"),
    brainNote: never("read the brain's note"),
    keepDrill: never("keep its own record"),
    resetGrounds: never("read the grounds of a reset"),
    reset: never("reset"),
    allowLive: never("let a brain act"),
    overview: async () =>
      known({ roles: (["brain", "watchdog", "eew"] as const).map(pulse), halt: halt(), lastPanic: null }),
    completion: async (eventId) =>
      known(
        report !== null && eventId === OWN && passed(flatAt()) && now >= (flatAt() ?? 0) + 50 ? completion() : null,
      ),
    clearHalt: () =>
      ask("clearHalt", () => {
        const was = halt() !== null;
        clearedAt = now;
        return was;
      }),
    bookmark: async () => known({ heartbeat: String(wall(now)), panic: String(wall(now)) }),
    beatsSince: async ({ heartbeat }) => known(beats().filter((beat) => beat.at > Number(heartbeat))),
    panicsSince: async ({ panic }) => known(records().filter(({ publishedAt }) => publishedAt > Number(panic))),
  };

  const exchange: Exchange = {
    positions: () => ask("positions", () => (passed(flatAt()) ? left : positions)),
    restingOrders: async () => known([]),
    cancel: never("cancel"),
    close: never("close"),
    access: async () => ({ kind: "granted" }),
    now: async () => known(wall(now + venueAheadMs)),
    positionMode: async () => known("one_way"),
    lookUp: never("lookUp"),
    rulebook: async () => known(new Map()),
    warm: async () => known(0),
    lastFillAt: async (symbols, since) => {
      const at = flatAt();
      const filledAt = at === null || !passed(at) ? null : wall(at + venueAheadMs);
      const ours = positions.some(({ symbol }) => symbols.includes(symbol));
      return known(ours && filledAt !== null && filledAt >= since ? filledAt : null);
    },
    orderBudget: () => [],
    silentUntil: () => null,
  };

  return {
    target: "sandbox",
    victim: "brain",
    without: [],
    signal,
    blows,
    told,
    begun: () => begun,
    begin: () =>
      ask("begin", () => {
        begun++;
        return null;
      }),
    struckAtMs: () => struckAt,
    progress: (text) => void told.push(text),
    clock: {
      now: () => now as Instant,
      wall: () => wall(now),
      at: never("at"),
      sleep: async (ms) => {
        now += ms;
      },
    },
    bus,
    exchange,
    supervisor: {
      running: async (role) => known(!down.includes(role)),
      strike: (_role, blow) =>
        ask("strike", () => {
          blows.push(blow);
          struckAt ??= now;
          return null;
        }),
      restart: async () => {
        restartedAt = now;
        return known(null);
      },
    },
  };
}

/** What a drill has no business doing. */
function never(what: string): () => never {
  return () => {
    throw new Error(`A drill must not ${what}`);
  };
}
