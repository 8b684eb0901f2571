/** The secrets of an account, and where they lie: in files that root alone reads, and that systemd hands to who needs them. */

import { type Account, accountDirectory, type Layout } from "./layout.ts";

/** Their names as credentials (contract section 2), which are the names of their files, too. */
export const SECRETS = ["binance-api-key", "binance-api-secret", "quantum-trigger-secret"] as const;
export type SecretName = (typeof SECRETS)[number];

/** The file of a secret; `sealed`: as systemd-creds has encrypted it. */
export function secretPath(
  layout: Pick<Layout, "settings">,
  account: Account,
  name: SecretName,
  sealed: boolean,
): string {
  return `${accountDirectory(layout, account)}/${name}${sealed ? ".cred" : ""}`;
}

/** The setting that a secret is the value of, e.g. `BINANCE_API_KEY`. */
export function variableOf(name: SecretName): string {
  return name.toUpperCase().replaceAll("-", "_");
}
