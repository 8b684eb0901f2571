const PRODUCTION = "https://fapi.binance.com";
const DEMO = "https://demo-fapi.binance.com";

/**
 * The venue's REST base: production, or its demo, which Binance's documentation calls the testnet and which needs keys of
 * its own. Source: developers.binance.com, USDⓈ-M Futures, General Info (2026-05-28), and the official JavaScript
 * connector, `common/src/constants.ts` (2026-07-24). The older `testnet.binancefuture.com` is no longer documented.
 */
export function baseUrlFor(testnet: boolean): string {
  return testnet ? DEMO : PRODUCTION;
}

/**
 * The REST base that answers for Portfolio Margin accounts beside the given one; null where there is none, on the demo. A
 * proxy or a simulated exchange answers for both. Source: the official JavaScript connector, `common/src/constants.ts`.
 */
export function papiBaseFor(baseUrl: string): string | null {
  const { origin } = new URL(baseUrl);
  if (origin === DEMO) return null;
  return origin === PRODUCTION ? "https://papi.binance.com" : baseUrl;
}

const PRODUCTION_STREAMS = "wss://fstream.binance.com";
const DEMO_STREAMS = "wss://fstream.binancefuture.com";
/** Also seen in use for the demo; not in the documentation. */
const DEMO_STREAM_ALIAS = "demo-fstream.binance.com";

/**
 * Where the venue streams from: production, its demo, or the same host and port as the given REST base, as a simulated exchange
 * does. The paths begin with `/market` and `/private`: those without were switched off on 2026-04-23. Source:
 * developers.binance.com, USDⓈ-M Futures, Important WebSocket Change Notice and User Data Streams (2026-05-28).
 */
export function streamUrlFor(baseUrl: string): string {
  const { origin } = new URL(baseUrl);
  if (origin === PRODUCTION) return PRODUCTION_STREAMS;
  return origin === DEMO ? DEMO_STREAMS : origin.replace(/^http/, "ws");
}

/** Whether that host streams what happens at the demo, or where real money is; null for any other, such as a proxy. */
export function isDemoStream(hostname: string): boolean | null {
  if (hostname === new URL(DEMO_STREAMS).hostname || hostname === DEMO_STREAM_ALIAS) return true;
  return hostname === new URL(PRODUCTION_STREAMS).hostname ? false : null;
}
