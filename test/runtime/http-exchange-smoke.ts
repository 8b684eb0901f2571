/**
 * The whole client against the simulated exchange over HTTPS, on whatever runtime runs this file: each kind of key, a
 * certificate that nobody vouches for, an order id above 2^53. Prints one line per fact; exits 1 at the first that does
 * not hold. Run by http.test.ts with NODE_TLS_REJECT_UNAUTHORIZED=0, which must not switch verification off.
 */

import { generateKeyPairSync } from "node:crypto";
import { binanceExchange } from "../../src/adapters/binance/exchange.ts";
import { hostClock } from "../../src/adapters/host/clock.ts";
import { decimal, plain } from "../../src/core/decimal.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { serveBinance } from "../../src/sim/binance-server.ts";
import { throwAwayCertificate } from "../../src/sim/certificate.ts";
import { Venue } from "../../src/sim/venue.ts";

function expectFact(fact: string, holds: boolean, seen: unknown): void {
  console.log(`${holds ? "ok  " : "FAIL"} ${fact}${holds ? "" : `: ${JSON.stringify(seen)}`}`);
  if (!holds) process.exit(1);
}

const spki = { type: "spki", format: "pem" } as const;
const pkcs8 = { type: "pkcs8", format: "pem" } as const;
const ed25519 = generateKeyPairSync("ed25519", { publicKeyEncoding: spki, privateKeyEncoding: pkcs8 });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048, publicKeyEncoding: spki, privateKeyEncoding: pkcs8 });

const venue = new Venue({ now: () => Date.now() as UnixMillis });
venue.addAccount({ apiKey: "hmac", secret: "smoke-secret" });
venue.addAccount({ apiKey: "ed25519", publicKeyPem: ed25519.publicKey });
venue.addAccount({ apiKey: "rsa", publicKeyPem: rsa.publicKey });
const certificate = await throwAwayCertificate();
const server = await serveBinance({ venue, tls: certificate });
const connection = { baseUrl: server.url, clock: hostClock };

const stranger = binanceExchange({ ...connection, apiKey: "hmac", secret: "smoke-secret" });
const refused = await stranger.positions();
expectFact(
  "a certificate that nobody vouches for is refused",
  !refused.known && server.requests().length === 0,
  refused,
);
await stranger.dispose();

for (const [apiKey, secret] of [
  ["hmac", "smoke-secret"],
  ["ed25519", ed25519.privateKey],
  ["rsa", rsa.privateKey],
] as const) {
  const exchange = binanceExchange({ ...connection, apiKey, secret, caPem: certificate.certPem });
  venue.openPosition(apiKey, { symbol: "ETHUSDT", amount: "0.5" });
  const warm = await exchange.warm(2);
  const handshakes = server.handshakes();
  const positions = await exchange.positions();
  const outcome = await exchange.close({
    symbol: "ETHUSDT",
    positionSide: "BOTH",
    side: "SELL",
    quantity: decimal("0.5"),
    mode: "one_way",
    limitPrice: null,
    clientOrderId: `smoke-${apiKey}`,
  });
  const flat = await exchange.positions();
  const orderId = venue.fills(apiKey)[0]?.orderId;
  const holds =
    warm.known &&
    positions.known &&
    positions.value.length === 1 &&
    outcome.kind === "executed" &&
    plain(outcome.executed) === "0.5" &&
    outcome.orderId === orderId &&
    flat.known &&
    flat.value.length === 0 &&
    server.handshakes() === handshakes;
  expectFact(`a position is closed over warm sockets, signed with ${apiKey}`, holds, {
    warm,
    positions,
    outcome,
    flat,
  });
  await exchange.dispose();
}

await server.close();
process.exit(0);
