/**
 * The venue's REST base: production, or its demo, which Binance's documentation calls the testnet and which needs keys of
 * its own. Source: developers.binance.com, USDⓈ-M Futures, General Info (2026-05-28), and the official JavaScript
 * connector, `common/src/constants.ts` (2026-07-24). The older `testnet.binancefuture.com` is no longer documented.
 */
export function baseUrlFor(testnet: boolean): string {
  return testnet ? "https://demo-fapi.binance.com" : "https://fapi.binance.com";
}
