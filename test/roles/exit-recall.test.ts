import { describe, expect, test } from "bun:test";
import { isKept } from "../../src/adapters/binance/past.ts";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { LegMemory } from "../../src/core/exit-memory.ts";
import { EXIT_ORDER, stepTag } from "../../src/core/exit-order.ts";
import type { LegPolicy } from "../../src/core/exit-policy.ts";
import type { LegFill, PastOrder } from "../../src/core/exit-recall.ts";
import type { Position } from "../../src/core/position.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { ExitVenue } from "../../src/ports/exit-venue.ts";
import { recaller } from "../../src/roles/exit-recall.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { ladder, rules, stopLoss } from "../support/exits.ts";

const NOW = 1_795_000_000_000 as UnixMillis;

function leg(amount: string, entry = "100"): Position {
  const [entryPrice, markPrice] = [decimal(entry), decimal("101")];
  const unrealizedPnl = decimal("0");
  return { symbol: "BTCUSDT", positionSide: "BOTH", amount: decimal(amount), entryPrice, markPrice, unrealizedPnl };
}

function fill(side: "BUY" | "SELL", quantity: string, secondsAgo: number): LegFill {
  const time = (NOW - secondsAgo * 1_000) as UnixMillis;
  return { positionSide: "BOTH", side, quantity: decimal(quantity), price: decimal("100"), orderId: "1", time };
}

/** What a recall finds out about a leg that the venue lists as `listed`, first and behind its fills. */
async function recallOf(
  venue: Partial<ExitVenue>,
  [first, behind]: readonly [Reading<readonly Position[]>, Reading<readonly Position[]>],
  policy: LegPolicy,
  position: Position,
): Promise<Reading<LegMemory | null>> {
  let looks = 0;
  const exchange = { positions: async () => (++looks === 1 ? first : behind) };
  const world = { clock: { ...hostClock, wall: () => NOW }, exchange, exits: venue as ExitVenue };
  return await recaller(world)(policy, position);
}

/** What is recalled of a leg of 0.3 that was opened 10 s ago, where the venue lists these legs behind its fills. */
async function recalled(listed: Reading<readonly Position[]>, fills: readonly LegFill[] = [fill("BUY", "0.3", 10)]) {
  const venue: Partial<ExitVenue> = {
    fillsSince: async () => known(fills),
    ordersSince: async () => known([]),
    markExtremesSince: async () => known({ high: decimal("101"), low: decimal("99") }),
  };
  return await recallOf(venue, [known([leg("0.3")]), listed], rules(), leg("0.3"));
}

test("a leg's past is what its fills say", async () => {
  const memory = await recalled(known([leg("0.3")]));
  expect(memory).toMatchObject({ known: true, value: { openedAt: NOW - 10_000, size: decimal("0.3") } });
});

test.each<readonly [string, Reading<readonly Position[]>, string]>([
  ["has been reduced meanwhile", known([leg("0.15")]), "BTCUSDT has changed while its records were read"],
  ["has another entry meanwhile", known([leg("0.3", "99")]), "BTCUSDT has changed while its records were read"],
  ["is gone meanwhile", known([]), "BTCUSDT has changed while its records were read"],
  ["can't be listed", unknown("500"), "500"],
])("nothing is recalled of a leg that %s: its fills tell another story", async (_what, listed, why) => {
  const fills = [fill("SELL", "0.3", 60), fill("BUY", "0.3", 50), fill("SELL", "0.15", 1)];
  expect(await recalled(listed, fills)).toEqual({ known: false, why });
});

test("a leg that no fill within a week explains is looked for as far back as the venue keeps fills, and not beyond", async () => {
  const asked: UnixMillis[] = [];
  const venue: Partial<ExitVenue> = {
    fillsSince: async (_symbol: string, since: UnixMillis) => {
      asked.push(since);
      return known([]);
    },
  };
  const listed = known([leg("0.3")]);
  expect(await recallOf(venue, [listed, listed], rules(), leg("0.3"))).toEqual(known(null));
  expect(asked).toHaveLength(4);
  // The venue's clock may be so far ahead of this one, and the question on its way for so long.
  const venueNow = (NOW + 60_000) as UnixMillis;
  expect(asked.filter((since) => !isKept(since, venueNow))).toEqual([]);
  expect(NOW - Math.min(...asked)).toBeGreaterThan(80 * 86_400_000);
});

describe("a step of the ladder that was taken", () => {
  const LEG = leg("0.2");
  const POLICY = rules({ stopLoss: stopLoss("2"), ladder: ladder(["1R", "50"]) });
  /** Our order of the step; the venue's time of an order is earlier than that of its fills. */
  const STEP: PastOrder = {
    orderId: "1",
    clientOrderId: `${EXIT_ORDER}opened-${stepTag("1R")}-leg-0`,
    positionSide: "BOTH",
    executed: decimal("0.2"),
    time: (NOW - 60_005) as UnixMillis,
  };

  async function stepsOf(fills: readonly LegFill[]): Promise<readonly [size: string, steps: readonly string[]]> {
    const since = <T extends { readonly time: UnixMillis }>(all: readonly T[]) => {
      return async (_symbol: string, from: UnixMillis) => known(all.filter(({ time }) => time >= from));
    };
    const venue = {
      fillsSince: since(fills),
      ordersSince: since([STEP]),
      markExtremesSince: async () => known({ high: LEG.markPrice, low: LEG.markPrice }),
    };
    const listed = known([LEG]);
    const answer = await recallOf(venue, [listed, listed], POLICY, LEG);
    if (!answer.known || answer.value === null) throw new Error("nothing was recalled");
    return [plain(answer.value.size), Object.keys(answer.value.steps)];
  }

  test("is known of a leg whose opening is on record", async () => {
    expect(await stepsOf([fill("BUY", "0.4", 90), fill("SELL", "0.2", 60)])).toEqual(["0.4", ["1R"]]);
  });

  test("is known of a leg that is older than every record: it is not taken again", async () => {
    expect(await stepsOf([fill("SELL", "0.2", 60)])).toEqual(["0.4", ["1R"]]);
  });

  test("is none of a leg that was opened after it", async () => {
    expect(await stepsOf([fill("SELL", "0.2", 60), fill("BUY", "0.2", 50)])).toEqual(["0.2", []]);
  });
});

const DAY_MS = 86_400_000;

/** An account of many legs whose fills nobody knows, on virtual time, and what reading its past has cost until when. */
class Forgotten {
  readonly clock = new VirtualClock(NOW);
  readonly spent: { readonly at: number; readonly weight: number }[] = [];
  readonly recalled: string[] = [];
  legs: readonly Position[] = Array.from({ length: 20 }, (_, i) => ({ ...leg("2"), symbol: `S${i}USDT` }));
  readonly recall = recaller({
    clock: this.clock,
    exchange: { positions: async () => known(this.legs) },
    exits: {
      fillsSince: async (_symbol: string, since: UnixMillis) => {
        this.spent.push({ at: this.clock.now(), weight: 5 * Math.ceil((NOW - since) / (7 * DAY_MS)) });
        return known([]);
      },
    } as Partial<ExitVenue> as ExitVenue,
  });

  ask(): void {
    for (const leg of this.legs) void this.recall(rules(), leg).then(() => this.recalled.push(leg.symbol));
  }

  spentIn(from: number, to: number): number {
    return this.spent.reduce((sum, { at, weight }) => (at >= from && at < to ? sum + weight : sum), 0);
  }
}

test("many legs that nobody remembers do not use up what the address has in a minute", async () => {
  const account = new Forgotten();
  account.ask();
  await account.clock.runUntil(() => account.recalled.length > 0, 1_000);
  expect(account.recalled).toEqual(["S0USDT"]);
  await account.clock.runUntil(() => false, 20 * 60_000);
  expect(account.recalled).toHaveLength(20);
  for (let second = 0; second < 1_200; second++) {
    expect(account.spentIn(second * 1_000, (second + 60) * 1_000)).toBeLessThanOrEqual(500);
  }
});

test("a leg that is not listed when its turn comes is asked for again: what it was before does not count", async () => {
  const account = new Forgotten();
  const [first = leg("2")] = account.legs;
  account.legs = [];
  expect(await account.recall(rules(), first)).toEqual({ known: false, why: "it is not listed just now" });
  expect(account.spent).toEqual([]);
});
