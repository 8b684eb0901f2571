import { describe, expect, test } from "bun:test";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { fillLeg, type Leg, unrealizedPnl } from "../../src/sim/leg.ts";

const NOW = 1_795_000_000_000 as UnixMillis;

function leg(amount: string, entryPrice: string): Leg {
  return {
    symbol: "BTCUSDT",
    positionSide: "BOTH",
    amount: decimal(amount),
    entryPrice: decimal(entryPrice),
    updateTime: 0 as UnixMillis,
  };
}

describe("a fill", () => {
  test.each([
    // held, entry, side, quantity, price → held, entry, realized
    ["opens a long", "0", "0", "BUY", "2", "100", "2", "100", "0"],
    ["opens a short", "0", "0", "SELL", "2", "100", "-2", "100", "0"],
    ["grows a long at the average", "1", "100", "BUY", "3", "200", "4", "175", "0"],
    ["grows a short at the average", "-1", "100", "SELL", "1", "200", "-2", "150", "0"],
    ["shrinks a long and realizes the gain", "2", "100", "SELL", "1", "110", "1", "100", "10"],
    ["shrinks a short and realizes the loss", "-2", "100", "BUY", "1", "110", "-1", "100", "-10"],
    ["closes a long", "2", "100", "SELL", "2", "90", "0", "0", "-20"],
    ["closes a short", "-2", "100", "BUY", "2", "90", "0", "0", "20"],
    ["turns a long into a short at its price", "1", "100", "SELL", "3", "110", "-2", "110", "10"],
    ["turns a short into a long at its price", "-1", "100", "BUY", "3", "90", "2", "90", "10"],
    ["is exact where floats are not", "0.1", "100", "BUY", "0.2", "100", "0.3", "100", "0"],
  ] as const)("%s", (_, held, entry, side, quantity, price, amount, entryAfter, realized) => {
    const result = fillLeg(leg(held, entry), side, decimal(quantity), decimal(price), NOW);
    expect(plain(result.leg.amount)).toBe(amount);
    expect(plain(result.leg.entryPrice)).toBe(entryAfter);
    expect(plain(result.realizedPnl)).toBe(realized);
    expect(result.leg.updateTime).toBe(NOW);
  });
});

test.each([
  ["2", "100", "110", "20"],
  ["-2", "100", "110", "-20"],
  ["0", "0", "110", "0"],
])("%s held since %s shows at mark %s a profit of %s", (amount, entry, mark, pnl) => {
  expect(plain(unrealizedPnl(leg(amount, entry), decimal(mark)))).toBe(pnl);
});
