import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type LimitSigns, rateLimits } from "../../../src/adapters/binance/rate-limits.ts";
import { type OrderBudget, ordersLeft } from "../../../src/core/order-budget.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import { at } from "../../support/core.ts";

/** 2026-11-23 12:00:37.500 UTC: 22.5 s before the minute ends, 2.5 s before ten seconds do. */
const VENUE_NOW = Date.UTC(2026, 10, 23, 12, 0, 37, 500);
/** The local clock counts from somewhere else. */
const NOW = 5_000;

const venue = (ms: number): UnixMillis => ms as UnixMillis;

const signs = (changes: Partial<LimitSigns> = {}): LimitSigns => ({
  status: 200,
  headers: {},
  code: null,
  message: "",
  sentAt: at(NOW - 20),
  now: at(NOW),
  venueNow: venue(VENUE_NOW),
  ...changes,
});

/** For how many ms the address is silent after `signs`; null: it is not. */
function silentMs(...seen: readonly Partial<LimitSigns>[]): number | null {
  const limits = rateLimits();
  for (const one of seen) limits.learn(signs(one));
  const until = limits.silence(at(NOW))?.until;
  return until === undefined ? null : until - NOW;
}

const banned = (until: number): string =>
  `Way too many requests; IP banned until ${until}. Please use the websocket for live updates to avoid bans.`;

describe("the address is silent", () => {
  const rows: readonly (readonly [fact: string, signs: Partial<LimitSigns>, ms: number | null])[] = [
    ["not after a plain answer", {}, null],
    ["not after a refusal of another kind", { status: 400, code: -2022 }, null],
    ["not after a firewall's 403", { status: 403 }, null],
    ["not after a 503", { status: 503 }, null],
    ["not after an order limit, though it comes with 429", { status: 429, code: -1015 }, null],
    ["after 429 until the venue's next minute", { status: 429 }, 22_500],
    [
      "after 429 with -1003 until the venue's next minute",
      { status: 429, code: -1003, message: "Too many requests." },
      22_500,
    ],
    ["after -1003 with any status", { status: 400, code: -1003 }, 22_500],
    ["after 418 for two minutes", { status: 418 }, 120_000],
    ["after 418 whatever the code", { status: 418, code: -1015 }, 120_000],
    ["for as long as Retry-After says", { status: 429, headers: { "retry-after": "7" } }, 7_000],
    ["for as long as Retry-After says, ban or not", { status: 418, headers: { "retry-after": "600" } }, 600_000],
    [
      "until the ban ends that the message names",
      { status: 418, code: -1003, message: banned(VENUE_NOW + 300_000) },
      300_000,
    ],
    ["until then with 429, too", { status: 429, code: -1003, message: banned(VENUE_NOW + 300_000) }, 300_000],
    [
      "as Retry-After says where the message says something else",
      { status: 418, code: -1003, headers: { "retry-after": "60" }, message: banned(VENUE_NOW + 300_000) },
      60_000,
    ],
    ["for two minutes where the ban it names is over", { status: 418, message: banned(VENUE_NOW) }, 120_000],
    ["for two minutes where Retry-After is no count", { status: 418, headers: { "retry-after": "-1" } }, 120_000],
    [
      "for two minutes where Retry-After is a date",
      { status: 418, headers: { "retry-after": "Mon, 23 Nov 2026 12:00:00 GMT" } },
      120_000,
    ],
    ["until the next minute where Retry-After is 0", { status: 429, headers: { "retry-after": "0" } }, 22_500],
    [
      "for three days at most, the longest ban there is",
      { status: 418, headers: { "retry-after": "999999999" } },
      259_200_000,
    ],
    [
      "for three days at most, whatever the message names",
      { status: 418, message: banned(99_999_999_999_999) },
      259_200_000,
    ],
  ];
  for (const [fact, seen, ms] of rows) test(fact, () => expect(silentMs(seen)).toBe(ms));

  test("for as long as the longest that was asked for, in any order", () => {
    expect(silentMs({ status: 418 }, { status: 429 })).toBe(120_000);
    expect(silentMs({ status: 429 }, { status: 418 })).toBe(120_000);
  });

  test("not a moment longer", () => {
    const limits = rateLimits();
    limits.learn(signs({ status: 418 }));
    expect(limits.silence(at(NOW + 119_999))).not.toBeNull();
    expect(limits.silence(at(NOW + 120_000))).toBeNull();
  });

  test.each([
    [{ status: 418 }, "2026-11-23 12:02:38 UTC, because the venue answered HTTP 418"],
    [
      { status: 429, code: -1003, message: "words" },
      "2026-11-23 12:01:00 UTC, because the venue answered HTTP 429, code -1003",
    ],
  ] as const)("and says until when, and why: %o", (seen, words) => {
    const limits = rateLimits();
    limits.learn(signs(seen));
    expect(limits.silence(at(NOW))?.why).toBe(`this address must be silent until ${words}`);
  });

  test("after any answer for three days at most, and always into the future", () => {
    const text = fc.oneof(fc.string(), fc.integer().map(String), fc.bigInt().map(String));
    fc.assert(
      fc.property(fc.constantFrom(418, 429), text, text, (status, retryAfter, until) => {
        const ms = silentMs({ status, headers: { "retry-after": retryAfter }, message: `IP banned until ${until}.` });
        expect(ms).toBeGreaterThan(0);
        expect(ms).toBeLessThanOrEqual(259_200_000);
      }),
    );
  });
});

/** What is used of the window of 10 s and of that of a minute. */
const used = (budget: OrderBudget): readonly number[] => budget.map((window) => window.used);
const counts = (in10s: string, inMinute: string): LimitSigns["headers"] => ({
  "x-mbx-order-count-10s": in10s,
  "x-mbx-order-count-1m": inMinute,
});

describe("the order budget", () => {
  test("is the documented default, in windows that end on the venue's clock", () => {
    expect(rateLimits().orderBudget(at(NOW), venue(VENUE_NOW))).toEqual([
      { limit: 300, used: 0, endsAt: at(NOW + 2_500), lengthMs: 10_000 },
      { limit: 1_200, used: 0, endsAt: at(NOW + 22_500), lengthMs: 60_000 },
    ]);
  });

  test("takes the account's own limits, and keeps what was counted", () => {
    const limits = rateLimits();
    limits.spend(4, at(NOW), venue(VENUE_NOW));
    limits.setOrderLimits({ per10s: 10_000, perMinute: 20_000 });
    expect(limits.orderBudget(at(NOW), venue(VENUE_NOW))).toMatchObject([
      { limit: 10_000, used: 4 },
      { limit: 20_000, used: 4 },
    ]);
  });

  const rows: readonly (readonly [fact: string, signs: Partial<LimitSigns>, used: readonly number[]])[] = [
    ["takes the venue's counts where they are higher", { headers: counts("17", "230") }, [17, 230]],
    ["takes them from a refusal, too", { status: 400, code: -2022, headers: counts("17", "230") }, [17, 230]],
    ["counts our own orders where the venue's counts are lower", { headers: counts("1", "1") }, [3, 3]],
    ["is not told anything by -1", { headers: counts("-1", "-1") }, [3, 3]],
    ["is not told anything by garbage", { headers: counts("many", "") }, [3, 3]],
    ["is not told anything by a count beyond all measure", { headers: counts("9".repeat(40), "1e9") }, [3, 3]],
    ["is not told anything without headers", {}, [3, 3]],
    ["is told one count without the other", { headers: { "x-mbx-order-count-1m": "9" } }, [3, 9]],
    ["is used up for the shortest window by -1015", { status: 429, code: -1015 }, [300, 3]],
    [
      "takes no count for a window that began after the order was sent",
      { sentAt: at(NOW - 7_501), headers: counts("290", "400") },
      [3, 400],
    ],
    [
      "takes a count for the window the order was sent in",
      { sentAt: at(NOW - 7_500), headers: counts("290", "400") },
      [290, 400],
    ],
  ];
  for (const [fact, seen, expected] of rows) {
    test(fact, () => {
      const limits = rateLimits();
      limits.spend(3, at(NOW), venue(VENUE_NOW));
      limits.learn(signs(seen));
      expect(used(limits.orderBudget(at(NOW), venue(VENUE_NOW)))).toEqual([...expected]);
    });
  }

  test("a window that has ended starts again, empty, at the venue's boundary", () => {
    const limits = rateLimits();
    limits.learn(signs({ headers: counts("300", "700") }));
    expect(used(limits.orderBudget(at(NOW + 2_499), venue(VENUE_NOW + 2_499)))).toEqual([300, 700]);
    expect(limits.orderBudget(at(NOW + 2_500), venue(VENUE_NOW + 2_500))).toEqual([
      { limit: 300, used: 0, endsAt: at(NOW + 12_500), lengthMs: 10_000 },
      { limit: 1_200, used: 700, endsAt: at(NOW + 22_500), lengthMs: 60_000 },
    ]);
  });

  test("follows a better look at the venue's clock from the next window on", () => {
    const limits = rateLimits();
    limits.spend(1, at(NOW), venue(VENUE_NOW));
    const better = venue(VENUE_NOW + 86_400_000 + 1_000);
    expect(limits.orderBudget(at(NOW), better)[0]).toMatchObject({ used: 1, endsAt: at(NOW + 2_500) });
    expect(limits.orderBudget(at(NOW + 2_500), venue(better + 2_500))[0]).toMatchObject({
      used: 0,
      endsAt: at(NOW + 11_500),
    });
  });

  test("who asks before each order never sends more than the limit in any window of the venue", () => {
    const bursts = fc.array(
      fc.record({ afterMs: fc.integer({ min: 0, max: 12_000 }), wanted: fc.integer({ min: 0, max: 500 }) }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(bursts, fc.integer({ min: 0, max: 60_000 }), (bursts, offsetMs) => {
        const limits = rateLimits();
        let now = at(0);
        const sent = new Map<string, number>();
        for (const { afterMs, wanted } of bursts) {
          now = at(now + afterMs);
          const venueNow = venue(VENUE_NOW + offsetMs + now);
          const budget = limits.orderBudget(now, venueNow);
          const burst = Math.min(wanted, ordersLeft(budget, now));
          limits.spend(burst, now, venueNow);
          for (const { lengthMs, limit } of budget) {
            const key = `${lengthMs}:${Math.floor(venueNow / lengthMs)}`;
            sent.set(key, (sent.get(key) ?? 0) + burst);
            expect(sent.get(key)).toBeLessThanOrEqual(limit);
          }
        }
      }),
    );
  });
});
