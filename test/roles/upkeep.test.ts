import { describe, expect, test } from "bun:test";
import { decimal } from "../../src/core/decimal.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { Rulebook } from "../../src/core/rulebook.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { Exchange } from "../../src/ports/exchange.ts";
import { keepReady, keepReadyForExits, type Memory } from "../../src/roles/upkeep.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { simulatedExchange } from "../../src/sim/exchange.ts";
import { manySymbols } from "../../src/sim/symbols.ts";
import { Venue } from "../../src/sim/venue.ts";

const API_KEY = "upkeep-key";
const [ONE, TWO] = [decimal("1"), decimal("2")];
const LEG = {
  symbol: "S",
  positionSide: "BOTH",
  amount: ONE,
  entryPrice: TWO,
  markPrice: TWO,
  unrealizedPnl: ONE,
} as const;

/** A worker's idle hours on virtual time, or those of a brain with a policy. */
class Idle {
  readonly clock = new VirtualClock(0 as UnixMillis);
  readonly memory: Memory = { rulebook: new Map(), snapshot: null, flatAt: null };
  /** How many connections were proven, and when. */
  readonly rounds: { readonly at: number; readonly sockets: number }[] = [];
  readonly saved: Rulebook[] = [];
  readonly lines: string[] = [];
  /** Nothing is under way. */
  idle = true;
  #reads = 0;

  constructor(legs: number, changes: Partial<Exchange> = {}, role: "worker" | "brain" = "worker") {
    const symbols = manySymbols(300);
    const venue = new Venue({ now: () => this.clock.wall(), symbols });
    venue.addAccount({ apiKey: API_KEY });
    for (const { symbol } of symbols.slice(0, legs)) venue.openPosition(API_KEY, { symbol, amount: "1" });
    const open = simulatedExchange(venue, API_KEY);
    const exchange: Exchange = {
      ...open,
      warm: async (sockets) => {
        this.rounds.push({ at: this.clock.now(), sockets });
        return known(0);
      },
      positions: () => {
        this.#reads += 1;
        return open.positions();
      },
      ...changes,
    };
    const rulebooks = {
      load: () => new Map(),
      save: (rulebook: Rulebook) => {
        this.saved.push(rulebook);
        return true;
      },
    };
    const log = { write: (_level: string, text: string) => void this.lines.push(text) };
    const upkeep = { clock: this.clock, exchange, rulebooks, log };
    const { signal } = new AbortController();
    if (role === "worker") void keepReady(upkeep, this.memory, () => this.idle, signal);
    else void keepReadyForExits(upkeep, this.memory, signal);
  }

  async pass(ms: number): Promise<void> {
    await this.clock.runUntil(() => false, ms);
  }

  /** How often the positions were read. */
  get reads(): number {
    return this.#reads;
  }
}

describe("a brain with a policy", () => {
  test.each([
    [0, 4],
    [20, 20],
    [100, 60],
  ])("with %d legs proves %d connections, each in time, at a tenth of the budget at most", async (legs, sockets) => {
    const brain = new Idle(legs, {}, "brain");
    // It lists the positions itself.
    const positions = Array.from({ length: legs }, (_, i) => ({ ...LEG, symbol: `S${i}` }));
    brain.memory.snapshot = { positions, takenAt: brain.clock.now() };
    await brain.pass(10_000);
    expect(brain.rounds.at(-1)?.sockets).toBe(sockets);
    const from = brain.rounds.length;
    await brain.pass(600_000);
    const rounds = brain.rounds.slice(from);
    // Eight more in each round are for reads.
    expect(rounds.reduce((total, round) => total + round.sockets + 8, 0) / 10).toBeLessThanOrEqual(240);
    const gaps = rounds.map(({ at }, i) => at - (rounds[i - 1]?.at ?? at));
    expect(Math.max(...gaps)).toBeLessThan(55_000);
    expect(brain.reads).toBe(0);
  });
});

describe("an idle worker", () => {
  test.each([
    [0, 8],
    [3, 8],
    [20, 40],
    [100, 200],
    [300, 300],
  ])("with %d legs proves %d connections, at a fifth of the address's budget at most", async (legs, sockets) => {
    const worker = new Idle(legs);
    await worker.pass(10_000);
    expect(worker.rounds.at(-1)?.sockets).toBe(sockets);
    const from = worker.rounds.length;
    await worker.pass(600_000);
    const pings = worker.rounds.slice(from).reduce((total, round) => total + round.sockets, 0);
    expect(pings / 10).toBeLessThanOrEqual(480);
  });

  test("proves them more often than a connection is kept", async () => {
    const worker = new Idle(300);
    await worker.pass(600_000);
    const gaps = worker.rounds.map(({ at }, i) => at - (worker.rounds[i - 1]?.at ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(55_000);
  });

  test("knows the positions of two seconds ago", async () => {
    const worker = new Idle(3);
    await worker.pass(60_000);
    expect(worker.memory.snapshot?.positions).toHaveLength(3);
    expect(worker.clock.now() - (worker.memory.snapshot?.takenAt ?? 0)).toBeLessThanOrEqual(2_000);
  });

  test("keeps the last list that could be read", async () => {
    let readable = true;
    const worker = new Idle(0, { positions: async () => (readable ? known([]) : unknown("503")) });
    await worker.pass(5_000);
    const before = worker.memory.snapshot;
    readable = false;
    await worker.pass(60_000);
    expect(worker.memory.snapshot).toBe(before);
  });

  test("reads the rulebook once an hour and keeps it for the next life", async () => {
    const worker = new Idle(0);
    await worker.pass(3_000);
    expect([worker.memory.rulebook.size, worker.saved.length]).toEqual([300, 1]);
    await worker.pass(3_650_000);
    expect(worker.saved).toHaveLength(2);
  });

  test("asks nothing while a pass is under way", async () => {
    const worker = new Idle(20);
    await worker.pass(10_000);
    const before = [worker.rounds.length, worker.reads];
    worker.idle = false;
    await worker.pass(60_000);
    expect([worker.rounds.length, worker.reads]).toEqual(before);
  });

  test("says once that the venue does not answer, and once that it does again", async () => {
    let answers = false;
    const worker = new Idle(0, { warm: async () => (answers ? known(0) : unknown("no answer")) });
    await worker.pass(20_000);
    answers = true;
    await worker.pass(20_000);
    expect(worker.lines).toEqual(["The venue does not answer: no answer", "The venue answers again"]);
  });
});
