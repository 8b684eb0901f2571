/** Faults of single orders: their fate is unknown, or the venue refuses them. */

import { decimal } from "../../../src/core/decimal.ts";
import { eventually } from "../../support/eventually.ts";
import { closesSent, ORDER, onGuard, POSITIONS, play } from "../at-venue.ts";
import { type FaultCase, type Measure, measure, must } from "../case.ts";
import { flatByFollowUp, flatOnRecord } from "../expect.ts";
import { openPager } from "../pager.ts";
import { FLAT_MAX_MS, type Scene } from "../scene.ts";
import type { SeenReport } from "../truth.ts";

const BTC = { ...ORDER, symbol: "BTCUSDT" };
const ETH = { ...ORDER, symbol: "ETHUSDT" };

/** Longer than any wait of a pass, as a late order is. */
const LATE_MS = 7_000;

/** The legs that a report leaves open, as `BTCUSDT 0.3`. */
function residual({ fields }: SeenReport | undefined = emptyReport): string {
  const legs = JSON.parse(fields.get("residual") ?? "[]") as readonly { symbol: string; positionAmt: string }[];
  return legs.map(({ symbol, positionAmt }) => `${symbol} ${positionAmt}`).join(", ");
}

const emptyReport: SeenReport = { eventId: "", outcome: "", fields: new Map(), open: [] };

function mustSend(scene: Scene, count: number, symbol?: string): void {
  const sent = closesSent(scene, symbol).length;
  must(sent === count, `the venue received ${sent} closes${symbol === undefined ? "" : ` of ${symbol}`}, not ${count}`);
}

/** From the panic to the venue's last execution. */
function untilFlat(scene: Scene, panicMs: number, limitMs: number | null = FLAT_MAX_MS): Measure {
  return measure("panic → flat", scene.lastFillMs() - panicMs, limitMs);
}

/** Faults of orders. */
export const ORDER_FAULTS: readonly FaultCase[] = [
  {
    row: 50,
    fault: "5xx on orders",
    caused: "502 on an order that is executed, 500 -1000 on one that is not",
    holds: "S9 unknown, not failed: the first is found by its id and not sent again; L2 the second by follow-up",
    fast: true,
    run: async (scene) => {
      await onGuard(scene);
      play(
        scene,
        { when: BTC, does: { kind: "executed_but", name: "badGateway" } },
        { when: ETH, does: { kind: "refuse", code: -1000 } },
      );
      const panicMs = Date.now();
      const [first] = await flatByFollowUp(scene, await scene.panic());
      must(residual(first) === "ETHUSDT -2", `the first pass left open: ${residual(first)}`);
      mustSend(scene, 1, "BTCUSDT");
      mustSend(scene, 2, "ETHUSDT");
      return [untilFlat(scene, panicMs)];
    },
  },
  {
    row: 51,
    fault: "503 Unknown error on orders that were executed",
    caused: "both orders are executed and answered: Unknown error, please check your request",
    holds: "S4, S5 asked after and not sent again: FLAT in one pass",
    fast: true,
    run: async (scene) => {
      await onGuard(scene);
      play(scene, { when: ORDER, does: { kind: "executed_but", name: "executionUnknown" }, times: null });
      const panicMs = Date.now();
      await flatOnRecord(scene, await scene.panic());
      mustSend(scene, 2);
      return [untilFlat(scene, panicMs)];
    },
  },
  {
    row: 52,
    fault: "timeout, and the order is executed late",
    caused: "408 -1007 at once, executed 7 s later: after the follow-up has closed the position",
    holds: "S4 the late order turns nothing: it only reduces",
    fast: true,
    run: async (scene) => {
      await onGuard(scene);
      play(scene, { when: BTC, does: { kind: "late", ms: LATE_MS, code: -1007 } });
      const panicMs = Date.now();
      const [first] = await flatByFollowUp(scene, await scene.panic());
      must(first?.outcome === "NOT_FLAT", `the first pass says ${first?.outcome}`);
      await eventually("the late order arrives", () => closesSent(scene, "BTCUSDT").length === 2);
      must(scene.isFlat(), `the late order has opened ${scene.openNow().join(", ")}`);
      must(Date.now() - panicMs > LATE_MS, "the order was not late");
      return [untilFlat(scene, panicMs)];
    },
  },
  {
    row: 53,
    fault: "connection reset after the order is sent",
    caused: "a TCP reset of every connection once the venue has executed the orders and before it has answered",
    holds: "S5 exactly one receipt of each order; FLAT in one pass",
    fast: true,
    scene: { latencyMs: 600 },
    run: async (scene) => {
      const link = await scene.venueLink();
      await onGuard(scene, { env: link.env });
      const panicMs = Date.now();
      const eventId = await scene.panic();
      // Half the latency is left before the answers are.
      await eventually("both are executed", () => closesSent(scene).length === 2);
      await link.set("cut");
      await link.set("pass");
      await flatOnRecord(scene, eventId);
      mustSend(scene, 2);
      return [untilFlat(scene, panicMs)];
    },
  },
  {
    row: 58,
    fault: "timestamp, signature and key refused",
    caused: "-1021, -1022 and -2015 on the orders of three symbols, once each",
    holds: "no blind retry: each is named in report and alert; L2 by follow-up",
    fast: true,
    scene: {
      positions: [
        { symbol: "BTCUSDT", amount: "0.5" },
        { symbol: "ETHUSDT", amount: "-2" },
        { symbol: "SOLUSDT", amount: "10" },
      ],
    },
    run: async (scene) => {
      const pager = openPager(scene);
      await onGuard(scene, { env: pager.env });
      play(
        scene,
        { when: BTC, does: { kind: "refuse", code: -1021 } },
        { when: ETH, does: { kind: "refuse", code: -1022 } },
        { when: { ...ORDER, symbol: "SOLUSDT" }, does: { kind: "refuse", code: -2015 } },
      );
      const panicMs = Date.now();
      const eventId = await scene.panic();
      const first = await scene.report(eventId);
      must(residual(first) === "BTCUSDT 0.5, ETHUSDT -2, SOLUSDT 10", `left open: ${residual(first)}`);
      const attempts = await flatByFollowUp(scene, eventId);
      must(attempts.length === 2, `${attempts.length} attempts`);
      mustSend(scene, 6);
      const named = ["BTCUSDT not closed", "code -1021", "ETHUSDT not closed", "code -1022", "code -2015"];
      await eventually("people are told of each", () => named.every((words) => pager.told().includes(words)));
      return [untilFlat(scene, panicMs)];
    },
  },
  {
    row: 59,
    fault: "order refused by a rule of the venue",
    caused:
      "-2022, -4118 and -1111 on the orders of three symbols, and 0.012 of a contract whose step has grown to 0.005",
    holds: "each is reported by name; the follow-up closes what can be closed; dust is never called flat",
    fast: true,
    scene: {
      positions: [
        { symbol: "BTCUSDT", amount: "0.5" },
        { symbol: "ETHUSDT", amount: "-2" },
        { symbol: "SOLUSDT", amount: "10" },
        { symbol: "BTCUSDC", amount: "0.012" },
      ],
    },
    run: async (scene) => {
      scene.venue.setLots("BTCUSDC", { min: "0.005", step: "0.005" });
      const worker = await onGuard(scene);
      play(
        scene,
        { when: BTC, does: { kind: "refuse", code: -2022 } },
        { when: ETH, does: { kind: "refuse", code: -4118 } },
        { when: { ...ORDER, symbol: "SOLUSDT" }, does: { kind: "refuse", code: -1111 } },
      );
      const eventId = await scene.panic();
      const first = await scene.report(eventId);
      const failed = JSON.parse(first.fields.get("failed_symbols") ?? "[]") as readonly string[];
      must(failed.join() === "BTCUSDC,BTCUSDT,ETHUSDT,SOLUSDT", `the first report names ${failed.join(", ")}`);
      for (const code of ["-2022", "-4118", "-1111"])
        must(worker.log().includes(`code ${code}`), `${code} is not named`);
      must(worker.log().includes("BTCUSDC: 0.002 can't be ordered in this pass"), "the dust is not named");
      await eventually("the second report", () => scene.reports.length > 1);
      const [, second] = scene.reports;
      must(second?.outcome === "NOT_FLAT", `with dust open the report says ${second?.outcome}`);
      must(residual(second) === "BTCUSDC 0.002", `the second pass left open: ${residual(second)}`);
      scene.venue.openPosition(scene.apiKey, { symbol: "BTCUSDC", amount: "0" });
      await flatByFollowUp(scene, eventId);
      return [];
    },
  },
  {
    row: 60,
    fault: "partial fill, then the rest is refused",
    caused:
      "two fifths of an order are executed and the next list shows nothing open; the next order is refused with -2020",
    holds: "S8 fills that do not add up are no witness; L2 followed up by what the venue says is open, until flat",
    fast: true,
    scene: { latencyMs: 100 },
    run: async (scene) => {
      await onGuard(scene);
      play(scene, { when: BTC, does: { kind: "partial", fraction: "0.4" } });
      const panicMs = Date.now();
      const eventId = await scene.panic();
      // Half the latency is left before the answer is.
      await eventually("the order is executed", () => closesSent(scene, "BTCUSDT").length === 1);
      play(
        scene,
        { when: POSITIONS, does: { kind: "garbage", executes: true, body: "[]" } },
        { when: BTC, does: { kind: "refuse", code: -2020 } },
      );
      const attempts = await flatByFollowUp(scene, eventId);
      const left = attempts.map(residual).join("; ");
      must(left === "BTCUSDT 0.3; BTCUSDT 0.3; ", `the passes left open: ${left}`);
      const quantities = closesSent(scene, "BTCUSDT").map(({ quantity }) => quantity);
      must(quantities.join() === "0.5,0.3,0.3", `BTCUSDT was closed with ${quantities.join(", ")}`);
      return [untilFlat(scene, panicMs)];
    },
  },
  {
    row: 61,
    fault: "the position grows during the close",
    caused: "an entry order rests; its cancel is slow, and it fills once the pass has read the positions",
    holds: "S8 not FLAT by the closes it had planned; L2 by follow-up, and no order is left",
    fast: true,
    run: async (scene) => {
      const worker = await onGuard(scene);
      const entry = { symbol: "BTCUSDT", side: "BUY", type: "LIMIT", positionSide: "BOTH", reduceOnly: null } as const;
      const more = {
        quantity: decimal("0.2"),
        price: decimal("87000"),
        timeInForce: "GTC",
        clientOrderId: null,
      } as const;
      scene.venue.place(scene.apiKey, { ...entry, ...more });
      play(scene, { when: { method: "DELETE", path: "/fapi/v1/allOpenOrders" }, does: { kind: "delay", ms: 1_500 } });
      const panicMs = Date.now();
      const eventId = await scene.panic();
      await worker.says("Found 1 resting orders");
      scene.venue.setMark("BTCUSDT", "86900");
      // What has opened since the scene began.
      scene.opened.push({ symbol: "BTCUSDT", amount: "0.2" });
      const [first] = await flatByFollowUp(scene, eventId);
      must(residual(first) === "BTCUSDT 0.2", `the first pass left open: ${residual(first)}`);
      return [untilFlat(scene, panicMs)];
    },
  },
];
