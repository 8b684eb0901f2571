import { describe, expect, test } from "bun:test";
import { decimal, plain } from "../../src/core/decimal.ts";
import { type Evidence, type Judgement, judge, type SentOrder, tally } from "../../src/core/flat.ts";
import type { Outcome } from "../../src/core/messages.ts";
import type { CloseOutcome, FoundLeg, Position, RestingOrder } from "../../src/core/position.ts";
import { known, unknown } from "../../src/core/reading.ts";
import { aPosition, aRestingOrder } from "../support/core.ts";

const BTC = aPosition("BTCUSDT", "2", "50000");
const ETH = aPosition("ETHUSDT", "-5", "2000");
const HEDGED_LONG = aPosition("BTCUSDT", "1", "50000", "LONG");
const HEDGED_SHORT = aPosition("BTCUSDT", "-2", "50000", "SHORT");

/** A close of all that is open of the leg, and what became of it. */
function sentFor(leg: Position, outcome: CloseOutcome): SentOrder {
  const { symbol, positionSide, amount } = leg;
  const side = amount.gt("0") ? "SELL" : "BUY";
  const order = { symbol, positionSide, side, quantity: amount.abs(), mode: "one_way", limitPrice: null } as const;
  return { order: { ...order, clientOrderId: `q-${symbol}` }, outcome };
}

function filled(executed: string): CloseOutcome {
  return { kind: "executed", orderId: "1", executed: decimal(executed) };
}

const UNKNOWN: CloseOutcome = { kind: "unknown", why: "no answer" };
const REFUSED: CloseOutcome = { kind: "refused", cause: "other", code: -1, why: "-1" };

const BOTH_FILLED = [sentFor(BTC, filled("2")), sentFor(ETH, filled("5"))];

/** An account that is flat by its list and its fills, but for `changes`. */
function evidence(changes: Partial<Evidence>): Evidence {
  return {
    positions: known([]),
    resting: known([]),
    found: [BTC, ETH],
    fillsProve: true,
    sent: BOTH_FILLED,
    cleanBefore: false,
    ...changes,
  };
}

describe("judge()", () => {
  const hopeful: Judgement = { kind: "open", hope: true };
  const hopeless: Judgement = { kind: "open", hope: false };
  const rows: readonly (readonly [fact: string, changes: Partial<Evidence>, judgement: Judgement])[] = [
    ["nothing listed and fills that add up are flat", {}, { kind: "flat" }],
    ["fills of remembered legs prove nothing", { fillsProve: false }, { kind: "clean" }],
    ["an earlier clean look does", { fillsProve: false, cleanBefore: true }, { kind: "flat" }],
    ["nothing found proves nothing", { found: [], sent: [] }, { kind: "clean" }],
    [
      "one leg's fills do not speak for the other",
      { sent: [sentFor(BTC, filled("2")), sentFor(ETH, UNKNOWN)] },
      { kind: "clean" },
    ],
    ["a fill in part is none", { found: [BTC], sent: [sentFor(BTC, filled("1.999"))] }, { kind: "clean" }],
    [
      "more than was open was executed: it does not add up",
      { found: [BTC], sent: [sentFor(BTC, filled("2.001"))] },
      { kind: "clean" },
    ],
    [
      "no positions to read, no judgement",
      { positions: unknown("503"), cleanBefore: true },
      { kind: "unreadable", why: "503" },
    ],
    [
      "no orders to read, no judgement",
      { resting: unknown("504"), cleanBefore: true },
      { kind: "unreadable", why: "504" },
    ],
    [
      "an order that rests may be gone soon",
      { resting: known([aRestingOrder("SOLUSDT")]), cleanBefore: true },
      hopeful,
    ],
    ["what is open counts before what can't be read", { positions: known([BTC]), resting: unknown("504") }, hopeful],
    ["a leg that its fills have closed may only lag", { positions: known([BTC]) }, hopeful],
    [
      "a leg may be gone by an order of unknown fate",
      { positions: known([BTC]), sent: [sentFor(BTC, UNKNOWN)] },
      hopeful,
    ],
    ["a leg whose close was refused stays", { positions: known([BTC]), sent: [sentFor(BTC, REFUSED)] }, hopeless],
    ["so does one without an order", { positions: known([BTC]), sent: [sentFor(ETH, filled("5"))] }, hopeless],
    [
      "so does what is left of a fill in part",
      { positions: known([BTC]), sent: [sentFor(BTC, filled("1"))] },
      hopeless,
    ],
    ["a leg that was not there before stays", { positions: known([BTC]), found: [ETH] }, hopeless],
    [
      "each leg is held against what was open of itself",
      { positions: known([ETH]), sent: [sentFor(ETH, filled("4"))] },
      hopeless,
    ],
    [
      "one leg that stays is enough to give up on the look",
      { positions: known([BTC, ETH]), sent: [sentFor(BTC, UNKNOWN), sentFor(ETH, REFUSED)] },
      hopeless,
    ],
  ];
  test.each(rows)("%s", (_fact, changes, judgement) => expect(judge(evidence(changes))).toEqual(judgement));
});

describe("tally()", () => {
  type Row = readonly [
    fact: string,
    outcome: Outcome,
    found: readonly Position[] | null,
    open: readonly Position[] | null,
    resting: readonly RestingOrder[] | null,
    sent: readonly SentOrder[],
    counts: string,
    failed: readonly string[],
    /** What earlier passes of the event found open. */
    before?: readonly FoundLeg[],
  ];
  const rows: readonly Row[] = [
    ["all is gone", "FLAT", [BTC, ETH], [], [], BOTH_FILLED, "2/2", []],
    ["in a flat account a leg needs no fills of its own", "FLAT", [BTC], [], [], [sentFor(BTC, UNKNOWN)], "1/1", []],
    ["else it needs them", "UNKNOWN", [BTC], [], null, [sentFor(BTC, UNKNOWN)], "0/1", ["BTCUSDT"]],
    [
      "a leg with its fills is closed beside one that is open",
      "NOT_FLAT",
      [BTC, ETH],
      [ETH],
      [],
      BOTH_FILLED,
      "1/2",
      ["ETHUSDT"],
    ],
    ["no list, nothing closed", "UNKNOWN", [BTC, ETH], null, null, BOTH_FILLED, "0/2", ["BTCUSDT", "ETHUSDT"]],
    ["what opened in between is open", "NOT_FLAT", [BTC], [ETH], [], BOTH_FILLED, "1/2", ["ETHUSDT"]],
    ["nothing could be read at all", "UNKNOWN", null, null, null, [], "0/1", ["*"]],
    ["all is closed, and nobody knows what rests", "UNKNOWN", [BTC], [], null, BOTH_FILLED, "1/2", ["*"]],
    [
      "orders that rest count once for each symbol, and by name",
      "NOT_FLAT",
      [BTC],
      [],
      [aRestingOrder("SOLUSDT"), aRestingOrder("SOLUSDT", "algo"), aRestingOrder("ADAUSDT")],
      BOTH_FILLED,
      "1/3",
      ["ADAUSDT", "SOLUSDT"],
    ],
    [
      "an order that rests beside its open leg is not counted besides",
      "NOT_FLAT",
      [BTC],
      [BTC],
      [aRestingOrder("BTCUSDT")],
      [],
      "0/1",
      ["BTCUSDT"],
    ],
    ["what an earlier pass closed counts where all is flat", "FLAT", [], [], [], [], "2/2", [], [BTC, ETH]],
    [
      "a leg that both passes found counts once",
      "FLAT",
      [ETH],
      [],
      [],
      [sentFor(ETH, filled("5"))],
      "2/2",
      [],
      [BTC, ETH],
    ],
    [
      "a leg that only an earlier pass found has no fills in this one: gone is not closed",
      "NOT_FLAT",
      [ETH],
      [ETH],
      [],
      [sentFor(ETH, REFUSED)],
      "0/2",
      ["BTCUSDT", "ETHUSDT"],
      [BTC, ETH],
    ],
    [
      "a leg that an earlier pass closed in part is closed by the fills of what was left of it",
      "NOT_FLAT",
      [aPosition("BTCUSDT", "0.5"), ETH],
      [ETH],
      [],
      [sentFor(BTC, filled("0.5"))],
      "1/2",
      ["ETHUSDT"],
      [BTC],
    ],
    [
      "what an earlier pass found is the name of what nobody can read now",
      "UNKNOWN",
      null,
      null,
      null,
      [],
      "0/1",
      ["BTCUSDT"],
      [BTC],
    ],
    ["both legs of a symbol count", "FLAT", [], [], [], [], "2/2", [], [HEDGED_LONG, HEDGED_SHORT]],
  ];
  test.each(rows)("%s", (_fact, outcome, found, open, resting, sent, counts, failed, before = []) => {
    const positions = open === null ? unknown("503") : known(open);
    const look = { positions, resting: resting === null ? unknown("504") : known(resting) };
    const done = tally(outcome, found, look, sent, before);
    expect(`${done.positionsClosed}/${done.positionsTotal}`).toBe(counts);
    expect(done.positionsFailed).toBe(done.positionsTotal - done.positionsClosed);
    expect(done.failedSymbols).toEqual([...failed]);
    expect(done.outcome).toBe(outcome);
  });

  test("the residual is what the last list shows, and what was found where there is none", () => {
    const half = aPosition("BTCUSDT", "1", "50000");
    const read = tally("NOT_FLAT", [BTC], { positions: known([half]), resting: known([]) }, [], []);
    expect(read.residual).toEqual([{ symbol: "BTCUSDT", positionSide: "BOTH", amount: decimal("1") }]);
    const unread = tally("UNKNOWN", [BTC], { positions: unknown("503"), resting: known([]) }, [], []);
    expect(unread.residual).toEqual([{ symbol: "BTCUSDT", positionSide: "BOTH", amount: decimal("2") }]);
  });

  test("the notional is that of what was found, shorts and longs alike", () => {
    const done = tally("FLAT", [BTC, ETH], { positions: known([]), resting: known([]) }, BOTH_FILLED, []);
    expect(plain(done.notionalUsd)).toBe("110000");
  });

  test("the notional of a pass that goes on is of what was open before the first one, each leg once", () => {
    const half = aPosition("BTCUSDT", "1", "50000");
    const done = tally("FLAT", [half], { positions: known([]), resting: known([]) }, [], [BTC, ETH]);
    expect(plain(done.notionalUsd)).toBe("110000");
  });

  test("a leg that was found before is left with what is open of it, and where no list could be read with what was", () => {
    const half = aPosition("BTCUSDT", "1", "50000");
    const read = tally("NOT_FLAT", [half], { positions: known([half]), resting: known([]) }, [], [BTC]);
    expect(read.residual).toEqual([{ symbol: "BTCUSDT", positionSide: "BOTH", amount: decimal("1") }]);
    const unread = tally("UNKNOWN", null, { positions: unknown("503"), resting: unknown("503") }, [], [BTC]);
    expect(unread.residual).toEqual([{ symbol: "BTCUSDT", positionSide: "BOTH", amount: decimal("2") }]);
  });
});
