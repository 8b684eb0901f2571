import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decimal, plain } from "../../src/core/decimal.ts";
import { priceInside } from "../../src/core/price-band.ts";

const band = (down: string, up: string, tick: string) => ({
  down: decimal(down),
  up: decimal(up),
  tick: decimal(tick),
});

describe("priceInside()", () => {
  test.each([
    ["SELL", "50000", band("0.95", "1.05", "0.1"), "48000"],
    ["BUY", "50000", band("0.95", "1.05", "0.1"), "52000"],
    // Rounded towards the mark.
    ["SELL", "0.15", band("0.85", "1.15", "0.001"), "0.132"],
    ["SELL", "0.1501", band("0.85", "1.15", "0.001"), "0.133"],
    ["BUY", "0.1501", band("0.85", "1.15", "0.001"), "0.168"],
  ] as const)("%s at a mark of %s → %s", (side, mark, rule, price) => {
    const inside = priceInside(rule, side, decimal(mark));
    expect(inside === null ? null : plain(inside)).toBe(price);
  });

  test("there is none below the first tick", () => {
    expect(priceInside(band("0.5", "1.5", "1"), "BUY", decimal("0.1"))).toBeNull();
  });

  test("stays inside the band while the mark moves by a tenth of the band's width", () => {
    const mark = fc.integer({ min: 100_000, max: 9_000_000 }).map((cents) => decimal(`${cents}`).div(decimal("100")));
    const width = fc.integer({ min: 2, max: 40 }).map((percent) => decimal(`${percent}`).div(decimal("100")));
    fc.assert(
      fc.property(mark, width, fc.constantFrom("BUY" as const, "SELL" as const), (at, wide, side) => {
        const rule = { up: decimal("1").plus(wide), down: decimal("1").minus(wide), tick: decimal("0.01") };
        const price = priceInside(rule, side, at);
        if (price === null) throw new Error("no price");
        expect(price.mod(rule.tick).eq("0")).toBe(true);
        const drift = wide.div(decimal("10"));
        if (side === "SELL") expect(price.gte(at.times(decimal("1").plus(drift)).times(rule.down))).toBe(true);
        else expect(price.lte(at.times(decimal("1").minus(drift)).times(rule.up))).toBe(true);
      }),
    );
  });
});
