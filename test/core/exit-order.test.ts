import { describe, expect, test } from "bun:test";
import { decimal, plain } from "../../src/core/decimal.ts";
import { beginLeg } from "../../src/core/exit-memory.ts";
import { EXIT_ORDER, exitOrder, stepTag } from "../../src/core/exit-order.ts";
import type { PositionSide } from "../../src/core/position.ts";
import type { Rulebook } from "../../src/core/rulebook.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { aPosition } from "../support/core.ts";
import { rules } from "../support/exits.ts";

const OPENED = 1_795_000_000_000 as UnixMillis;
const LOT = { min: decimal("0.001"), max: decimal("3"), step: decimal("0.001") };
const BAND = { up: decimal("1.05"), down: decimal("0.95"), tick: decimal("0.1") };
const RULEBOOK: Rulebook = new Map([["BTCUSDT", { lot: LOT, band: BAND }]]);

function order(
  amount: string,
  quantity: string,
  {
    inBand = false,
    positionSide = "BOTH" as PositionSide,
    rulebook = RULEBOOK,
    sent = 0,
    step = null as string | null,
  } = {},
) {
  const leg = { ...aPosition("BTCUSDT", amount, "100"), positionSide };
  const memory = { ...beginLeg(rules(), leg, OPENED), sent };
  return exitOrder(leg, memory, step, decimal(quantity), { rulebook, inBand });
}

describe("an order of the brain", () => {
  test.each([
    ["sells a long", "5", {}, { side: "SELL", mode: "one_way", positionSide: "BOTH" }],
    ["buys a short back", "-5", {}, { side: "BUY", mode: "one_way", positionSide: "BOTH" }],
    [
      "of a leg in hedge mode names its side",
      "5",
      { positionSide: "LONG" as const },
      { side: "SELL", mode: "hedge", positionSide: "LONG" },
    ],
  ])("%s", (_, amount, options, expected) => {
    const made = order(amount, "2", options);
    expect(made).toMatchObject(expected);
  });

  test.each([
    ["takes as much as the venue takes in one", "5", RULEBOOK, "3"],
    ["is for whole steps", "0.0015", RULEBOOK, "0.001"],
    ["is none where that is nothing", "0.0005", RULEBOOK, null],
    ["is none for nothing", "0", new Map(), null],
    ["is as it is where the rules are not known", "5.00001", new Map(), "5.00001"],
  ])("%s", (_, quantity, rulebook, expected) => {
    const made = order("9", quantity, { rulebook });
    expect(made === null ? null : plain(made.quantity)).toBe(expected);
  });

  test("has an id of its own for each opening, step, leg and order, within 36 characters", () => {
    const ids = [
      order("5", "1"),
      order("5", "1", { sent: 1 }),
      order("5", "1", { step: "1R" }),
      order("5", "1", { step: "2R" }),
      order("5", "1", { positionSide: "LONG" }),
    ].map((made) => made?.clientOrderId ?? "");
    expect(new Set(ids).size).toBe(5);
    for (const id of ids) expect(id).toMatch(/^qx-[a-z0-9]+-[a-z0-9]+-[a-z0-9]+-[a-z0-9]+$/);
    expect(Math.max(...ids.map((id) => id.length))).toBeLessThanOrEqual(36);
    expect(ids[0]).toStartWith(`${EXIT_ORDER}${OPENED.toString(36)}-all-`);
    expect(ids[2]?.split("-")[2]).toBe(stepTag("1R"));
  });

  test("has a limit inside the price band once that has refused a market order, where it is known", () => {
    expect(order("5", "1")?.limitPrice).toBeNull();
    const inside = order("5", "1", { inBand: true });
    expect(inside?.limitPrice === null ? null : plain(inside?.limitPrice ?? decimal("0"))).toBe("96");
    expect(order("5", "1", { inBand: true, rulebook: new Map() })?.limitPrice).toBeNull();
  });
});
