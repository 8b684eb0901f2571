import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { meaningForClose, type VenueError } from "../../../src/adapters/binance/errors.ts";

const outcomeOf = (status: number, code: number | null, message = ""): string =>
  meaningForClose({ status, code, message }).outcome;

// Every code of binance.md section 6 that says the order was not executed.
const REFUSED = [
  -1001, -1002, -1003, -1008, -1015, -1016, -1021, -1022, -1099, -1102, -1106, -1111, -1112, -1116, -1117, -1121, -1122,
  -2010, -2014, -2015, -2017, -2019, -2020, -2021, -2022, -2023, -2024, -2026, -2027, -4003, -4004, -4005, -4014, -4015,
  -4016, -4023, -4024, -4060, -4061, -4062, -4067, -4068, -4087, -4088, -4105, -4106, -4107, -4109, -4117, -4118, -4120,
  -4131, -4137, -4138, -4140, -4141, -4142, -4164, -4189, -4192, -4400, -4401, -4402, -4403, -4408, -4411, -4531, -5021,
  -5022, -5028, -5041,
];

// Those that leave it open, or that are no answer to an order at all.
const UNKNOWN = [-1000, -1006, -1007, -2011, -2013, -4046, -4059, -4116];

describe("meaningForClose()", () => {
  for (const code of REFUSED) {
    test(`${code} with 400 is refused, with a reason`, () => {
      const { outcome, reason } = meaningForClose({ status: 400, code, message: "" });
      expect(outcome).toBe("refused");
      expect(reason).toMatch(/^[a-z].{10,}[^.]$/i);
    });
  }
  for (const code of UNKNOWN) {
    test(`${code} is unknown with any status`, () => {
      for (const status of [200, 400, 401, 408, 418, 429, 500, 503]) expect(outcomeOf(status, code)).toBe("unknown");
    });
  }

  const rows: readonly (readonly [error: VenueError, outcome: "refused" | "unknown"])[] = [
    // The 503 table of binance.md section 3, as JSON and as plain text.
    [{ status: 503, code: -1000, message: "Unknown error, please check your request or try again later." }, "unknown"],
    [{ status: 503, code: null, message: "Unknown error, please check your request or try again later." }, "unknown"],
    [{ status: 503, code: 0, message: "Unknown error, please check your request or try again later." }, "unknown"],
    [{ status: 503, code: null, message: "Service Unavailable." }, "refused"],
    [{ status: 503, code: 0, message: "Service Unavailable." }, "refused"],
    [
      { status: 503, code: -1001, message: "Internal error; unable to process your request. Please try again." },
      "refused",
    ],
    [{ status: 503, code: -1008, message: "Request throttled by system-level protection." }, "refused"],
    [{ status: 503, code: null, message: "Request occur unknown error." }, "unknown"],
    [{ status: 503, code: null, message: "" }, "unknown"],
    // A code that leaves it open outweighs a text that does not.
    [{ status: 503, code: -1007, message: "Service Unavailable." }, "unknown"],
    // What is documented for a 503 is not documented for its neighbours.
    [{ status: 500, code: -1001, message: "Internal error; unable to process your request." }, "unknown"],
    [{ status: 502, code: null, message: "Service Unavailable." }, "unknown"],
    [{ status: 504, code: -2022, message: "ReduceOnly Order is rejected." }, "unknown"],
    // Turned away before anybody looked at the order.
    [{ status: 403, code: null, message: "" }, "refused"],
    [{ status: 418, code: null, message: "" }, "refused"],
    [{ status: 429, code: null, message: "" }, "refused"],
    [{ status: 429, code: -1003, message: "Too many requests." }, "refused"],
    // Nobody knows what these would mean.
    [{ status: 404, code: null, message: "" }, "unknown"],
    [{ status: 307, code: null, message: "" }, "unknown"],
    [{ status: 400, code: null, message: "" }, "unknown"],
    [{ status: 400, code: 0, message: "" }, "unknown"],
    // A timeout is a timeout, whatever the body says.
    [{ status: 408, code: null, message: "" }, "unknown"],
    [{ status: 408, code: -2022, message: "ReduceOnly Order is rejected." }, "unknown"],
  ];
  for (const [error, outcome] of rows) {
    test(`${JSON.stringify(error)} is ${outcome}`, () => {
      expect(meaningForClose(error).outcome).toBe(outcome);
    });
  }

  test("a code that nobody documented is unknown", () => {
    // Documented, though binance.md leaves them out: malformed requests and account limits, all judged before matching.
    const documented = new Set([
      ...REFUSED,
      -1020,
      -1100,
      -1101,
      -1103,
      -1104,
      -1105,
      -1108,
      -1114,
      -1115,
      -1118,
      -1128,
    ]);
    for (const code of [-1130, -4001, -4002, -4013, -2018, -2025, -2028]) documented.add(code);
    fc.assert(
      fc.property(fc.integer({ min: -10_000, max: 10_000 }), fc.string(), (code, message) => {
        fc.pre(!documented.has(code));
        expect(meaningForClose({ status: 400, code, message }).outcome).toBe("unknown");
      }),
      { numRuns: 2_000 },
    );
  });

  test("no 5xx is refused but a documented 503", () => {
    const status = fc.integer({ min: 500, max: 599 });
    const code = fc.option(fc.constantFrom(...REFUSED, ...UNKNOWN, -9_999, 0));
    const message = fc.constantFrom("", "Service Unavailable.", "Unknown error, please check your request.", "<html>");
    fc.assert(
      fc.property(status, code, message, (status, code, message) => {
        const documented =
          status === 503 &&
          (code === -1001 ||
            code === -1008 ||
            (message === "Service Unavailable." && (code === null || !UNKNOWN.includes(code))));
        expect(outcomeOf(status, code, message)).toBe(documented ? "refused" : "unknown");
      }),
      { numRuns: 2_000 },
    );
  });
});
