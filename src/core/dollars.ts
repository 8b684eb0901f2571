/** Which assets count as US dollars, one for one: what an account has of them can be added up. */

/** Binance's margin assets that are held to a dollar; BNFCR is its credit for accounts in the EU (binance.md 7.6). */
export const DOLLARS: ReadonlySet<string> = new Set(["USDT", "USDC", "FDUSD", "BNFCR"]);
