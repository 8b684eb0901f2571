/** Faults by the venue's limits: it wants silence, or there is more to close than it lets through at once. */

import { decimal } from "../../../src/core/decimal.ts";
import { eventually } from "../../support/eventually.ts";
import { closesSent, onGuard, POSITIONS, pings, play } from "../at-venue.ts";
import { type FaultCase, measure, must } from "../case.ts";
import { flatByFollowUp, flatOnRecord } from "../expect.ts";
import { openPager } from "../pager.ts";
import { FLAT_MAX_MS, type Scene } from "../scene.ts";

const THROTTLE_S = 3;
const BAN_MS = 12_000;

/** What was on its way already when the first refusal arrived: a round trip, and a busy machine. */
const UNDER_WAY_MS = 200;

/** When the venue refused first; throws if the address was not silent from then on for `forMs`. */
function silentAfterRefusal(scene: Scene, status: number, forMs: number): number {
  const requests = scene.server.requests();
  const refusedMs = requests.find((request) => request.status === status)?.at ?? Number.NaN;
  const until = refusedMs + forMs;
  const broken = requests.filter(({ at }) => at > refusedMs + UNDER_WAY_MS && at < until);
  must(
    broken.length === 0,
    `${broken.length} requests in the silence, the first ${(broken[0]?.at ?? Number.NaN) - refusedMs} ms in`,
  );
  must(
    requests.every((request) => request.status !== 418 || status === 418),
    "the throttle has become a ban",
  );
  return refusedMs;
}

/** Faults of limits. */
export const LIMIT_FAULTS: readonly FaultCase[] = [
  {
    row: 56,
    fault: "429 with Retry-After",
    caused: "the first read of the pass, and all that follows for 3 s, is answered 429, Retry-After: 3",
    holds: "silent for as long as asked, then closed in the same pass; no 418",
    fast: true,
    run: async (scene) => {
      await onGuard(scene);
      play(scene, { when: POSITIONS, does: { kind: "throttle", ms: THROTTLE_S * 1_000, retryAfterS: THROTTLE_S } });
      const panicMs = Date.now();
      await flatOnRecord(scene, await scene.panic());
      const refusedMs = silentAfterRefusal(scene, 429, THROTTLE_S * 1_000);
      return [
        measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS),
        measure("429 → first close", (closesSent(scene)[0]?.atMs ?? Number.NaN) - refusedMs),
      ];
    },
  },
  {
    row: 57,
    fault: "418 ban that outlasts a pass",
    caused: "the first read of the pass begins a ban of 12 s",
    holds: "L5 people are told at once, no request in the ban, flat by follow-up as soon as it is over",
    fast: false,
    run: async (scene) => {
      const pager = openPager(scene);
      await onGuard(scene, { env: pager.env });
      play(scene, { when: POSITIONS, does: { kind: "ban", ms: BAN_MS } });
      const eventId = await scene.panic();
      const first = await scene.report(eventId);
      must(first.outcome === "UNKNOWN", `the first report says ${first.outcome}`);
      await eventually("people are told", () => pager.told().includes("HTTP 418"), 2_000);
      await flatByFollowUp(scene, eventId);
      const bannedMs = silentAfterRefusal(scene, 418, BAN_MS);
      return [measure("end of the ban → flat", scene.lastFillMs() - bannedMs - BAN_MS, FLAT_MAX_MS)];
    },
  },
  {
    row: 65,
    fault: "200 positions under the venue's limits",
    caused: "200 symbols with a position each, at Binance's documented limits of weight and orders",
    holds: "bounded time, largest notional first, no limit is broken",
    fast: false,
    scene: { many: 200 },
    run: async (scene) => {
      const notional = new Map(scene.venue.symbols().map(({ symbol, mark }) => [symbol, decimal(mark)]));
      await onGuard(scene);
      // Warm, as it is in real life: two connections a leg.
      await eventually("the worker is warm", () => pings(scene) >= 300, 20_000);
      const panicMs = Date.now();
      await flatOnRecord(scene, await scene.panic());
      const refused = scene.server.requests().filter(({ status }) => status >= 400);
      must(refused.length === 0, `${refused.length} requests were refused, the first with ${refused[0]?.status}`);
      const sizes = closesSent(scene).map(({ symbol }) => notional.get(symbol) ?? decimal("0"));
      const largest =
        [...sizes]
          .sort((one, other) => other.cmp(one))
          .slice(0, 20)
          .at(-1) ?? decimal("0");
      const lastLarge = sizes.findLastIndex((size) => size.gte(largest));
      // They go out in order, side by side: some places are lost on the way.
      must(lastLarge < 60, `one of the 20 largest was executed as number ${lastLarge + 1} of ${sizes.length}`);
      return [
        measure("panic → flat", scene.lastFillMs() - panicMs, FLAT_MAX_MS),
        measure(
          "first → last close",
          (closesSent(scene).at(-1)?.atMs ?? Number.NaN) - (closesSent(scene)[0]?.atMs ?? 0),
        ),
      ];
    },
  },
];
