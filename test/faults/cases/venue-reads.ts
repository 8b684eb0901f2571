/** Faults of what the venue lets us read: nothing, half of it, or something that is not true. */

import { decimal } from "../../../src/core/decimal.ts";
import { eventually } from "../../support/eventually.ts";
import { asked, closesSent, ORDER, onGuard, POSITIONS, play } from "../at-venue.ts";
import { type FaultCase, measure, must } from "../case.ts";
import { flatByFollowUp, flatOnRecord } from "../expect.ts";
import { FAST_WATCHDOG, FLAT_MAX_MS } from "../scene.ts";

/** A pass, and the step that reports it. */
const PASS_MAX_MS = 10_500;

/** Every place where the worker reads positions. */
const POSITION_LISTS = ["/fapi/v3/positionRisk", "/fapi/v2/positionRisk", "/fapi/v3/account"];

/** How far a list is behind in row 63. */
const STALE_MS = 2_000;

/** Faults of reads. */
export const READ_FAULTS: readonly FaultCase[] = [
  {
    row: 54,
    fault: "TCP and TLS black hole",
    caused:
      "the venue's port takes connections and is silent, in the handshake of new ones too: at the start, and again for a panic",
    holds: "it starts all the same; it closes blindly and ends as UNKNOWN in time, every leg by name; L2 by follow-up",
    fast: false,
    scene: { https: true },
    run: async (scene) => {
      const link = await scene.venueLink();
      await link.set("stall");
      const startedMs = Date.now();
      const worker = await scene.start("eew", { env: link.env });
      const listensMs = Date.now();
      await scene.start("watchdog", FAST_WATCHDOG);
      await link.set("pass");
      await worker.says("The venue answers again");
      await eventually("the positions are read", () => asked(scene, POSITIONS.path) > 0);
      await link.set("stall");
      const panicMs = Date.now();
      const eventId = await scene.panic();
      const first = await scene.report(eventId, PASS_MAX_MS + 5_000);
      const reportedMs = Date.now();
      must(first.outcome === "UNKNOWN", `the report says ${first.outcome}`);
      must(
        first.fields.get("failed_symbols") === '["BTCUSDT","ETHUSDT"]',
        `failed: ${first.fields.get("failed_symbols")}`,
      );
      must(worker.log().includes("Closing blindly what was open"), "it did not try to close");
      await link.set("pass");
      await flatByFollowUp(scene, eventId);
      return [
        measure("start → listening", listensMs - startedMs),
        measure("panic → report UNKNOWN", reportedMs - panicMs, PASS_MAX_MS),
        measure("venue back → flat", scene.lastFillMs() - reportedMs, FLAT_MAX_MS),
      ];
    },
  },
  {
    row: 55,
    fault: "dripping and truncated answers",
    caused:
      "position list a byte every 0.2 s, a list of orders cut off, one order's answer dripping, the other's cut off",
    holds: "deadlines over the whole body; S9 half an answer is unknown; FLAT in one pass",
    fast: true,
    run: async (scene) => {
      await onGuard(scene);
      play(
        scene,
        { when: POSITIONS, does: { kind: "drip", ms: 200 }, times: null },
        { when: { path: "/fapi/v1/openAlgoOrders" }, does: { kind: "cut", executes: true } },
        { when: { ...ORDER, symbol: "BTCUSDT" }, does: { kind: "cut", executes: true } },
        { when: { ...ORDER, symbol: "ETHUSDT" }, does: { kind: "drip", ms: 200 } },
      );
      const panicMs = Date.now();
      await flatOnRecord(scene, await scene.panic());
      must(closesSent(scene).length === 2, `the venue received ${closesSent(scene).length} closes`);
      return [measure("panic → report FLAT", Date.now() - panicMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 62,
    fault: "hedge mode, an unknown symbol, one that is being settled",
    caused: "a long and a short leg of one symbol, one that exchangeInfo does not list, one with status SETTLING",
    holds: "L2 every leg is closed in one pass",
    fast: true,
    scene: {
      hedge: true,
      positions: [
        { symbol: "BTCUSDT", amount: "0.3" },
        { symbol: "BTCUSDT", amount: "-0.4" },
        { symbol: "SOLUSDT", amount: "10" },
        { symbol: "ETHUSDT", amount: "-2" },
      ],
    },
    run: async (scene) => {
      const answer = await fetch(`${scene.server.url}/fapi/v1/exchangeInfo`);
      const info = (await answer.json()) as { readonly symbols: readonly { readonly symbol: string }[] };
      const symbols = info.symbols.filter(({ symbol }) => symbol !== "SOLUSDT");
      const body = JSON.stringify({ ...info, symbols });
      play(scene, {
        when: { path: "/fapi/v1/exchangeInfo" },
        does: { kind: "garbage", executes: false, body },
        times: null,
      });
      scene.venue.setStatus("ETHUSDT", "SETTLING");
      await onGuard(scene);
      const panicMs = Date.now();
      await flatOnRecord(scene, await scene.panic());
      must(closesSent(scene).length === 4, `the venue received ${closesSent(scene).length} closes`);
      return [measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS)];
    },
  },
  {
    row: 63,
    fault: "position list 2 s behind",
    caused: "every list of positions shows the account as it was 2 s ago",
    holds: "S4 what is closed is not closed again; S8 FLAT only once a list shows it; one pass",
    fast: true,
    run: async (scene) => {
      await onGuard(scene);
      // The positions are on a list that is behind, too.
      await Bun.sleep(STALE_MS);
      const late = { kind: "stale", ms: STALE_MS };
      play(scene, ...POSITION_LISTS.map((path) => ({ when: { path }, does: late, times: null })));
      const panicMs = Date.now();
      await flatOnRecord(scene, await scene.panic());
      const reportedMs = Date.now();
      must(closesSent(scene).length === 2, `the venue received ${closesSent(scene).length} closes`);
      must(reportedMs - scene.lastFillMs() >= STALE_MS, "no list can have shown it yet");
      return [
        measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS),
        measure("flat → report", reportedMs - scene.lastFillMs()),
      ];
    },
  },
  {
    row: 64,
    fault: "the venue says flat, and is not",
    caused: "an entry order fills just before the panic, and every list is 1 s behind: two looks show an empty account",
    holds: "S8 looks within a second are no witnesses: not FLAT; L2 by follow-up",
    fast: true,
    scene: { positions: [] },
    run: async (scene) => {
      scene.venue.place(scene.apiKey, {
        symbol: "BTCUSDT",
        side: "BUY",
        type: "LIMIT",
        positionSide: "BOTH",
        quantity: decimal("0.5"),
        price: decimal("87000"),
        timeInForce: "GTC",
        reduceOnly: null,
        clientOrderId: null,
      });
      await onGuard(scene);
      play(
        scene,
        ...POSITION_LISTS.map((path) => ({ when: { path }, does: { kind: "stale", ms: 1_000 }, times: null })),
      );
      const panicMs = Date.now();
      scene.venue.setMark("BTCUSDT", "86900");
      scene.opened.push({ symbol: "BTCUSDT", amount: "0.5" });
      const [first] = await flatByFollowUp(scene, await scene.panic());
      must(first?.outcome === "NOT_FLAT", `the first report says ${first?.outcome}`);
      return [measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS)];
    },
  },
];
