import { describe, expect, test } from "bun:test";
import { type BinanceExchange, binanceExchange } from "../../../src/adapters/binance/exchange.ts";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { json, type Reply, refusal, serveScript } from "./scripted-venue.ts";

const API_KEY = "the-api-key-0123456789";
const KEY = "the-listen-key-0123456789";

async function asked<T>(reply: Reply, ask: (keys: BinanceExchange["listenKeys"]) => Promise<T>) {
  await using venue = await serveScript(({ path }) => (path === "/fapi/v1/listenKey" ? reply : undefined));
  const connection = { baseUrl: venue.url, apiKey: API_KEY, secret: "secret", clock: hostClock, queryDeadlineMs: 500 };
  const exchange = binanceExchange(connection);
  const outcome = await ask(exchange.listenKeys);
  await exchange.dispose();
  expect(JSON.stringify(outcome)).not.toContain(API_KEY);
  const [request] = venue.received;
  return { outcome, request: `${request?.method} ${request?.target} ${request?.apiKey} ${request?.body}` };
}

describe("obtain()", () => {
  test("asks with the API key and nothing else", async () => {
    expect(await asked(json({ listenKey: KEY }), (keys) => keys.obtain())).toEqual({
      outcome: { known: true, value: KEY },
      request: `POST /fapi/v1/listenKey ${API_KEY} `,
    });
  });

  test.each([
    ["a refusal", refusal(401, -2015, "Invalid API-key, IP, or permissions for action."), "code -2015"],
    ["an answer without a key", json({}), "the answer cannot be read"],
    ["an empty key", json({ listenKey: "" }), "the answer cannot be read"],
    ["a key that is no word", json({ listenKey: "a b" }), "the answer cannot be read"],
    ["silence", "hang", "no answer within 500 ms"],
    ["a socket that breaks", "reset", "it may have been received"],
  ] as const)("%s is no key", async (_fact, reply, why) => {
    const { outcome } = await asked(reply, (keys) => keys.obtain());
    expect(outcome).toEqual({ known: false, why: expect.stringContaining(why) });
  });
});

describe("renew()", () => {
  test.each([
    ["the same key", json({ listenKey: KEY }), { kind: "renewed" }],
    ["an answer that does not say which", json({}), { kind: "renewed" }],
    ["another key", json({ listenKey: "another-key" }), { kind: "gone", why: expect.stringContaining("another key") }],
    [
      "-1125",
      refusal(400, -1125, "This listenKey does not exist."),
      { kind: "gone", why: expect.stringContaining("code -1125") },
    ],
    [
      "another refusal",
      refusal(503, -1008, "Server is currently overloaded."),
      { kind: "failed", why: expect.stringContaining("code -1008") },
    ],
    ["silence", "hang", { kind: "failed", why: expect.stringContaining("no answer within 500 ms") }],
  ] as const)("%s", async (_fact, reply, expected) => {
    const { outcome, request } = await asked(reply, (keys) => keys.renew(KEY));
    expect<unknown>(outcome).toEqual(expected);
    expect(JSON.stringify(outcome)).not.toContain(KEY);
    expect(request).toBe(`PUT /fapi/v1/listenKey ${API_KEY} `);
  });
});
