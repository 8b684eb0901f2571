import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ERROR_TABLE } from "../../../src/adapters/binance/error-table.ts";
import { meaningForClose, refusesKey, type VenueError } from "../../../src/adapters/binance/errors.ts";
import type { RefusalCause } from "../../../src/core/position.ts";

/** What is expected: unknown, or a certain refusal for this cause. */
type Expected = "unknown" | RefusalCause;

function meaning(status: number, code: number | null, message = ""): Expected {
  const found = meaningForClose({ status, code, message });
  return found.outcome === "unknown" ? "unknown" : found.cause;
}

/**
 * Every code of binance.md section 6, in its order, with the message that its page gives. Written from that page, and not from
 * the table: R, F and S there are refusals, U is unknown, and so is what answers no order (N) or what Binance does not document.
 */
const SECTION_6: readonly (readonly [code: number, expected: Expected, words: string])[] = [
  [-1000, "unknown", "An unknown error occured while processing the request."],
  [-1001, "other", "Internal error; unable to process your request. Please try again."],
  [-1002, "other", "You are not authorized to execute this request."],
  [-1003, "address_limit", "Way too many requests; IP banned until 1700000000000."],
  [-1006, "unknown", "An unexpected response was received from the message bus. Execution status unknown."],
  [
    -1007,
    "unknown",
    "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
  ],
  [-1008, "other", "Server is currently overloaded with other requests. Please try again in a few minutes."],
  [-1015, "order_limit", "Too many new orders; current limit is 300 orders per 10 SECOND."],
  [-1016, "other", "This service is no longer available."],
  [-1021, "other", "Timestamp for this request was 1000ms ahead of the server's time."],
  [-1022, "other", "Signature for this request is not valid."],
  [-1099, "other", "Not found, unauthenticated, or unauthorized."],
  [-1102, "other", "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed."],
  [-1106, "position_mode", "Parameter 'reduceonly' sent when not required."],
  [-1111, "other", "Precision is over the maximum defined for this asset."],
  [-1112, "other", "No orders on book for symbol."],
  [-1116, "other", "Invalid orderType."],
  [-1117, "other", "Invalid side."],
  [-1121, "other", "Invalid symbol."],
  [-1122, "other", "Invalid symbol status."],
  [-2010, "other", "NEW_ORDER_REJECTED"],
  [-2011, "unknown", "Unknown order sent."],
  [-2013, "unknown", "Order does not exist."],
  [-2014, "other", "API-key format invalid."],
  [-2015, "other", "Invalid API-key, IP, or permissions for action."],
  [-2017, "other", "API Keys are locked on this account."],
  [-2019, "blocked", "Margin is insufficient."],
  [-2020, "other", "Unable to fill."],
  [-2021, "other", "Order would immediately trigger."],
  [-2022, "blocked", "ReduceOnly Order is rejected."],
  [-2023, "other", "User in liquidation mode now."],
  [-2024, "other", "Position is not sufficient."],
  [-2026, "other", "This OrderType is not supported when reduceOnly."],
  [-2027, "blocked", "Exceeded the maximum allowable position at current leverage."],
  [-4003, "other", "Quantity less than or equal to zero."],
  [-4004, "other", "Quantity less than min quantity."],
  [-4005, "other", "Quantity greater than max quantity."],
  [-4014, "other", "Price not increased by tick size."],
  [-4016, "other", "Price is higher than mark price multiplier cap."],
  [-4024, "other", "Price is lower than mark price multiplier floor."],
  [-4015, "other", "Client order id length should not be more than 36 chars"],
  [-4023, "other", "Qty not increased by step size."],
  [-4046, "unknown", "No need to change margin type."],
  [-4059, "unknown", "No need to change position side."],
  [-4060, "other", "Invalid position side."],
  [-4061, "position_mode", "Order's position side does not match user's setting."],
  [-4062, "other", "Invalid or improper reduceOnly value."],
  // They answer a change of the position mode, which is never asked for.
  [-4067, "unknown", "Position side cannot be changed if there exists open orders."],
  [-4068, "unknown", "Position side cannot be changed if there exists position."],
  [-4087, "other", "User can only place reduce only order"],
  [-4189, "other", "only reduce only order is allowed"],
  [-4400, "other", "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed"],
  [-4401, "other", "Futures Trading Risk Control Rules of large position holding violated"],
  [-4105, "other", "only reduce only order is allowed"],
  [-4106, "other", "only reduce only order is allowed"],
  [-4107, "other", "only reduce only order is allowed"],
  [-4088, "other", "User can not place order currently"],
  [-4192, "other", "Trade forbidden due to Cooling-off Period."],
  [-4109, "other", "Inactive account"],
  [-4116, "unknown", "clientOrderId is duplicated"],
  [-4117, "other", "stop order is triggering"],
  [-4118, "blocked", "ReduceOnly Order Failed. Please check your existing position and open orders"],
  [-4120, "other", "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."],
  [-4131, "price_band", "The counterparty's best price does not meet the PERCENT_PRICE filter limit"],
  [-4137, "other", "Quantity must be zero with closePosition equals true"],
  [-4138, "other", "Reduce only must be true with closePosition equals true"],
  [-4140, "other", "Invalid symbol status for opening position"],
  [-4141, "other", "Symbol is closed"],
  [-4142, "other", "REJECT: take profit or stop order will be triggered immediately"],
  [-4164, "other", "Order's notional must be no smaller than 5.0 (unless you choose reduce only)"],
  [-4402, "other", "this feature is currently not available in your region."],
  // It answers a change of the leverage (Error Codes: ADJUST_LEVERAGE_COMPLIANCE_FAILED).
  [-4403, "unknown", "the leverage can only up to 10x in your region"],
  // Not documented by Binance: known from users only.
  [-4408, "unknown", "This symbol is in reduce only mode due to regulation requirements."],
  [-4411, "unknown", "Please sign TradFi-Perps agreement contract"],
  [-4531, "unknown", "Position mode change requires syncing UM and CM"],
  [-5021, "other", "Due to the order could not be filled immediately, the FOK order has been rejected."],
  [-5022, "other", "Due to the order could not be executed as maker, the Post Only order will be rejected."],
  [-5028, "other", "Timestamp for this request is outside of the ME recvWindow."],
  [-5041, "other", "No depth matches this BBO order"],
];

// Documented on Binance's own page (Error Codes, 2026-05-28), though binance.md leaves them out: malformed requests and
// the account's limits, all judged before the order reaches the market.
const ALSO_DOCUMENTED = [
  -1020, -1100, -1101, -1103, -1104, -1105, -1108, -1114, -1115, -1118, -1128, -1130, -2018, -2025, -2028, -4001, -4002,
  -4013,
];

const UNKNOWN_ERROR = "Unknown error, please check your request or try again later.";
const SERVICE_UNAVAILABLE = "Service Unavailable.";
const INTERNAL_ERROR = "Internal error; unable to process your request. Please try again.";
const THROTTLED =
  "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again.";

describe("meaningForClose()", () => {
  test.each(SECTION_6)("%i is %s: %s", (code, expected, words) => {
    expect(meaning(400, code, words)).toBe(expected);
    // Codes are stable, texts are not (binance.md 6).
    expect(meaning(400, code, "")).toBe(expected);
    // A refused order may come with 200 in a list, and with 401 for a key.
    for (const status of [200, 401, 403, 418, 429]) expect(meaning(status, code, words)).toBe(expected);
    // A timeout is a timeout, and a server error a server error, whatever code their body has.
    for (const status of [408, 500, 502, 504]) expect(meaning(status, code, words)).toBe("unknown");
  });

  // Binance.md section 3, as JSON with the code, with none, and as plain text.
  const rows: readonly (readonly [error: VenueError, expected: Expected])[] = [
    [{ status: 503, code: -1000, message: UNKNOWN_ERROR }, "unknown"],
    [{ status: 503, code: null, message: UNKNOWN_ERROR }, "unknown"],
    [{ status: 503, code: 0, message: UNKNOWN_ERROR }, "unknown"],
    [{ status: 503, code: null, message: SERVICE_UNAVAILABLE }, "other"],
    [{ status: 503, code: 0, message: SERVICE_UNAVAILABLE }, "other"],
    [{ status: 503, code: -1001, message: INTERNAL_ERROR }, "other"],
    [{ status: 503, code: null, message: INTERNAL_ERROR }, "other"],
    [{ status: 503, code: -1008, message: THROTTLED }, "other"],
    [{ status: 503, code: null, message: THROTTLED }, "other"],
    [{ status: 503, code: null, message: "Request occur unknown error." }, "unknown"],
    [{ status: 500, code: null, message: "Request occur unknown error." }, "unknown"],
    [{ status: 503, code: null, message: "" }, "unknown"],
    [{ status: 503, code: null, message: "a body of 214 characters that is no JSON error" }, "unknown"],
    [{ status: 503, code: -1006, message: "" }, "unknown"],
    // A code that leaves it open outweighs a text that does not.
    [{ status: 503, code: -1007, message: SERVICE_UNAVAILABLE }, "unknown"],
    // A text counts where it begins so, not where it is quoted.
    [{ status: 503, code: null, message: `Not a ${SERVICE_UNAVAILABLE}` }, "unknown"],
    // What is documented for a 503 is not documented for its neighbours, nor for other codes with it.
    [{ status: 500, code: -1001, message: INTERNAL_ERROR }, "unknown"],
    [{ status: 502, code: null, message: SERVICE_UNAVAILABLE }, "unknown"],
    [{ status: 503, code: -2022, message: "ReduceOnly Order is rejected." }, "unknown"],
    [{ status: 504, code: -2022, message: "ReduceOnly Order is rejected." }, "unknown"],
    // Turned away before anybody looked at the order.
    [{ status: 403, code: null, message: "" }, "other"],
    [{ status: 418, code: null, message: "" }, "address_limit"],
    [{ status: 429, code: null, message: "" }, "address_limit"],
    [{ status: 418, code: -1003, message: "" }, "address_limit"],
    [{ status: 429, code: -1003, message: "" }, "address_limit"],
    [{ status: 429, code: -1015, message: "" }, "order_limit"],
    // Nobody knows what these would mean.
    [{ status: 429, code: -9999, message: "" }, "unknown"],
    [{ status: 404, code: null, message: "" }, "unknown"],
    [{ status: 307, code: null, message: "" }, "unknown"],
    [{ status: 400, code: null, message: "" }, "unknown"],
    [{ status: 400, code: 0, message: "" }, "unknown"],
    [{ status: 408, code: null, message: "" }, "unknown"],
  ];
  for (const [error, expected] of rows) {
    test(`${JSON.stringify(error)} is ${expected}`, () => {
      expect(meaning(error.status, error.code, error.message)).toBe(expected);
    });
  }

  // Too many orders rest: the one of them that cancelling helps.
  test.each(ALSO_DOCUMENTED)("%i is refused, too", (code) =>
    expect(meaning(400, code)).toBe(code === -2025 ? "blocked" : "other"),
  );

  const listed = new Set([...SECTION_6.map(([code]) => code), ...ALSO_DOCUMENTED]);

  test("a code that is not listed is unknown, with any status and text", () => {
    const code = fc.integer({ min: -10_000, max: 10_000 }).filter((code) => !listed.has(code));
    const status = fc.oneof(fc.integer({ min: 200, max: 499 }), fc.constantFrom(403, 408, 418, 429));
    fc.assert(
      fc.property(status, code, fc.string(), (status, code, message) => {
        expect(meaning(status, code, message)).toBe("unknown");
      }),
      { numRuns: 2_000 },
    );
  });

  test("no 5xx is refused but a documented 503", () => {
    const open = new Set(SECTION_6.filter(([, expected]) => expected === "unknown").map(([code]) => code));
    const status = fc.oneof(fc.integer({ min: 500, max: 599 }), fc.constant(503));
    const code = fc.option(fc.constantFrom(...listed, -9_999, 0));
    const certain = [SERVICE_UNAVAILABLE, INTERNAL_ERROR, THROTTLED];
    const message = fc.constantFrom("", UNKNOWN_ERROR, "<html>", ...certain);
    fc.assert(
      fc.property(status, code, message, (status, code, message) => {
        const documented = code === -1001 || code === -1008 || certain.includes(message);
        const expected = status === 503 && documented && !open.has(code ?? 0) ? "other" : "unknown";
        expect(meaning(status, code, message)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("the table", () => {
  const codes = ERROR_TABLE.flatMap(({ sign }) => (sign.kind === "code" ? [sign.code] : []));

  test("lists every code once, and none that this test does not know", () => {
    expect(new Set(codes).size).toBe(codes.length);
    expect(new Set(codes)).toEqual(new Set([...SECTION_6.map(([code]) => code), ...ALSO_DOCUMENTED]));
  });

  test("gives every row a reason of one line that starts in the middle of a sentence", () => {
    for (const { meaning } of ERROR_TABLE) expect(meaning.reason).toMatch(/^[a-zA-Z].{10,100}[^.]$/);
  });

  test("lets no unknown wait for anything but the read and the query", () => {
    for (const { meaning, consequence } of ERROR_TABLE) {
      expect(consequence === "verify read and order query decide").toBe(meaning.outcome === "unknown");
    }
  });

  test("says what is lost: refused where nothing was written, unknown where it may have been received", () => {
    const lost = ERROR_TABLE.flatMap(({ sign, meaning }) =>
      sign.kind === "lost" ? [[sign.sent, meaning.outcome] as const] : [],
    );
    expect(lost).toEqual([
      ["no", "refused"],
      ["maybe", "unknown"],
    ]);
  });
});

describe("refusesKey()", () => {
  test.each([
    [401, -2015, true],
    [401, -2014, true],
    [400, -1022, true],
    [401, -1002, true],
    [404, -1099, true],
    [400, -2017, true],
    [500, -2015, false],
    [400, -2022, false],
    [401, null, false],
    [429, -1003, false],
  ])("HTTP %i with %p: %p", (status, code, refuses) => {
    expect(refusesKey({ status, code, message: "" })).toBe(refuses);
  });
});
