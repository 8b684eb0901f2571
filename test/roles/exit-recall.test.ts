import { describe, expect, test } from "bun:test";
import { isKept } from "../../src/adapters/binance/past.ts";
import { decimal, plain } from "../../src/core/decimal.ts";
import { EXIT_ORDER, stepTag } from "../../src/core/exit-order.ts";
import type { LegFill, PastOrder } from "../../src/core/exit-recall.ts";
import type { Position } from "../../src/core/position.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { ExitVenue } from "../../src/ports/exit-venue.ts";
import { recallFromVenue } from "../../src/roles/exit-recall.ts";
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

/** What is recalled of a leg of 0.3 that was opened 10 s ago, where the venue lists these legs behind its fills. */
async function recalled(listed: Reading<readonly Position[]>, fills: readonly LegFill[] = [fill("BUY", "0.3", 10)]) {
  const venue: Partial<ExitVenue> = {
    fillsSince: async () => known(fills),
    ordersSince: async () => known([]),
    markExtremesSince: async () => known({ high: decimal("101"), low: decimal("99") }),
  };
  const exchange = { positions: async () => listed };
  return await recallFromVenue(venue as ExitVenue, exchange, rules(), leg("0.3"), NOW);
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
  const exchange = { positions: async () => known([leg("0.3")]) };
  expect(await recallFromVenue(venue as ExitVenue, exchange, rules(), leg("0.3"), NOW)).toEqual(known(null));
  expect(asked).toHaveLength(3);
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
    } as Partial<ExitVenue> as ExitVenue;
    const exchange = { positions: async () => known([LEG]) };
    const answer = await recallFromVenue(venue, exchange, POLICY, LEG, NOW);
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
