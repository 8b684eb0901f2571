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
