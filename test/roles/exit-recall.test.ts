import { expect, test } from "bun:test";
import { isKept } from "../../src/adapters/binance/past.ts";
import { decimal } from "../../src/core/decimal.ts";
import type { LegFill } from "../../src/core/exit-recall.ts";
import type { Position } from "../../src/core/position.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { ExitVenue } from "../../src/ports/exit-venue.ts";
import { recallFromVenue } from "../../src/roles/exit-recall.ts";
import { rules } from "../support/exits.ts";

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
