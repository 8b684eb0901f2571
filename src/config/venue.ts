/** Which venue, and the key to it (contract section 2). */

import { baseUrlFor, isDemoStream, streamUrlFor } from "../adapters/binance/base-url.ts";
import { type Env, variable } from "./env.ts";
import { loadCertificate } from "./file.ts";
import { isLoopback } from "./loopback.ts";
import { Refusal } from "./refusal.ts";
import { credentialOf, secret } from "./secret.ts";

/** How to reach the venue. */
export interface VenueConfig {
  readonly testnet: boolean;
  readonly baseUrl: string;
  readonly apiKey: string;
  /** HMAC secret, or a private key in PEM. */
  readonly secret: string;
  /** A certificate authority to trust besides the system's, for the simulated exchange and for proxies; null for none. */
  readonly caPem: string | null;
}

/**
 * Reads which venue and which key.
 *
 * @throws {Refusal} naming the setting that is missing or wrong; never its value where that could be a secret.
 */
export function loadVenue(env: Env, baseUrlFlag?: string): VenueConfig {
  const testnet = loadTestnet(env);
  return {
    testnet,
    baseUrl: loadBaseUrl(baseUrlFlag ?? variable(env, "BINANCE_BASE_URL"), testnet),
    apiKey: loadSecret(env, "BINANCE_API_KEY"),
    secret: loadSecret(env, "BINANCE_API_SECRET"),
    caPem: loadCertificate("BINANCE_CA_FILE", variable(env, "BINANCE_CA_FILE")),
  };
}

/**
 * Whether `BINANCE_TESTNET` says testnet.
 *
 * @throws {Refusal} unless it is `true` or `false`: a forgotten variable must not pick a venue.
 */
export function loadTestnet(env: Env): boolean {
  const text = variable(env, "BINANCE_TESTNET");
  if (text === "true") return true;
  if (text === "false") return false;
  const given = text === null ? "not set" : JSON.stringify(text);
  throw new Refusal(`BINANCE_TESTNET is ${given}: expected true (testnet) or false (real money)`);
}

/**
 * Whether drills belong here: never where real money is, or might be meant to be. For commands that have no use for the venue
 * and must not refuse over it.
 */
export function isDrillable(env: Env): boolean {
  return variable(env, "BINANCE_TESTNET") !== "false";
}

function loadBaseUrl(text: string | null, testnet: boolean): string {
  if (text === null) return baseUrlFor(testnet);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new Refusal("BINANCE_BASE_URL is not a URL: expected https://host, or http://127.0.0.1:port");
  }
  if (url.username !== "" || url.password !== "" || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new Refusal("BINANCE_BASE_URL has more than scheme, host and port: expected for example https://host:port");
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname)) {
    throw new Refusal(`BINANCE_BASE_URL is ${url.origin}: plain http is accepted on loopback only, expected https`);
  }
  if (testnet && url.hostname.replace(/\.$/, "") === new URL(baseUrlFor(false)).hostname) {
    throw new Refusal(
      `BINANCE_BASE_URL is ${url.origin}, the real venue, but BINANCE_TESTNET is true: expected one or the other`,
    );
  }
  return url.origin;
}

/**
 * Reads where the venue streams from: scheme, host and port, `wss` or on loopback `ws`. Not a part of `VenueConfig`, for the
 * worker needs no stream and must not refuse over one.
 *
 * @throws {Refusal} naming what is wrong. A stream of the other kind of venue is refused both ways: marks of the testnet must not
 * decide about real money either.
 */
export function loadStreamUrl(
  env: Env,
  { baseUrl, testnet }: Pick<VenueConfig, "baseUrl" | "testnet">,
  flag?: string,
): string {
  const text = flag ?? variable(env, "BINANCE_STREAM_URL");
  if (text === null) return streamUrlFor(baseUrl);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "ws:" && url.protocol !== "wss:")) {
    throw new Refusal("BINANCE_STREAM_URL is not a URL: expected wss://host, or ws://127.0.0.1:port");
  }
  if (url.username !== "" || url.password !== "" || url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw new Refusal("BINANCE_STREAM_URL has more than scheme, host and port: expected for example wss://host:port");
  }
  if (url.protocol === "ws:" && !isLoopback(url.hostname)) {
    throw new Refusal(`BINANCE_STREAM_URL is ${url.origin}: plain ws is accepted on loopback only, expected wss`);
  }
  const demo = isDemoStream(url.hostname.replace(/\.$/, ""));
  if (demo !== null && demo !== testnet) {
    throw new Refusal(
      `BINANCE_STREAM_URL is ${url.origin}, ${demo ? "the testnet" : "the real venue"}, but BINANCE_TESTNET is ${testnet}: expected one or the other`,
    );
  }
  return url.origin;
}

function loadSecret(env: Env, name: string): string {
  const found = secret(env, name)?.trim() ?? "";
  if (found !== "") return found;
  throw new Refusal(
    `${name} is not set: expected it, or ${name}_FILE, or the systemd credential ${credentialOf(name)}`,
  );
}
