/**
 * Which of its four causes a -2015 has, as far as the venue tells: fapi answers it for a wrong key, an address that is not
 * whitelisted, a missing permission, and for every key of a Portfolio Margin account (binance.md 7.9, Binance.Net#1485).
 */

import { papiBaseFor } from "./base-url.ts";
import type { Answer } from "./rest.ts";

/** What only a Portfolio Margin account answers. */
const ACCOUNT_PATH = "/papi/v1/account";

/**
 * In words for people: that this is a Portfolio Margin account, or what else it can be. Asks once, at the most.
 *
 * @param ask asks the given host for the given path, with a signed GET.
 */
export async function causeOfRejectedKey(
  baseUrl: string,
  ask: (baseUrl: string, path: string) => Promise<Answer>,
): Promise<string> {
  const papi = papiBaseFor(baseUrl);
  const answer = papi === null ? null : await ask(papi, ACCOUNT_PATH);
  if (answer?.kind === "ok") {
    return "this is a Portfolio Margin account: Quantum closes only through fapi, which such an account does not answer; switch the account back, or use the key of another account";
  }
  const causes = [
    "1. the key or its secret is of another venue (testnet or real money)",
    "2. this address is not on the key's whitelist",
    "3. the key has no futures permission",
    "4. this is a Portfolio Margin account, which fapi does not answer",
  ];
  const asked = answer === null ? "" : `; papi was asked: ${answer.why}`;
  return `one of four causes: ${causes.join(", ")}${asked}`;
}
