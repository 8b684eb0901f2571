/** Where an installation has its places on a host. */

/** The places, as absolute paths of the host. */
export interface Layout {
  readonly executable: string;
  readonly units: string;
  /** Settings and secrets; an account other than the only one has a folder of its own in it. */
  readonly settings: string;
}

/** Where a person installs (hier(7): what the distribution does not manage). */
export const BY_HAND: Layout = {
  executable: "/usr/local/bin/quantum",
  units: "/etc/systemd/system",
  settings: "/etc/quantum",
};

/** Where a package installs. */
export const BY_PACKAGE: Layout = {
  executable: "/usr/bin/quantum",
  units: "/usr/lib/systemd/system",
  settings: "/etc/quantum",
};

/** The account whose name is a part of its units and keys; null: the host's only one. */
export type Account = string | null;

/** Where one account has its settings and secrets. */
export function accountDirectory({ settings }: Pick<Layout, "settings">, account: Account): string {
  return account === null ? settings : `${settings}/${account}`;
}

/** The name of an account's exit policy, as a file and as a credential. */
export const POLICY_FILE = "exits.yaml";

/** Where the exit policy of the account lies, if it has one. */
export function policyPath(layout: Pick<Layout, "settings">, account: Account): string {
  return `${accountDirectory(layout, account)}/${POLICY_FILE}`;
}

/** Where the account's worker keeps its journal and its socket, as systemd makes it. */
export function accountState(account: Account): string {
  return account === null ? "/var/lib/quantum" : `/var/lib/quantum-${account}`;
}

/** Where the account's brain keeps what its exit policy remembers. No account can have this name: none has a `-` in it. */
export function brainState(account: Account): string {
  return account === null ? "/var/lib/quantum-exit-brain" : `/var/lib/quantum-exit-brain-${account}`;
}

/**
 * Why a name can't be an account's; null if it can. It stands in unit names, where systemd escapes everything but letters,
 * digits, `_` and `.`, and before every key (contract section 2).
 */
export function accountObjection(name: string): string | null {
  if (/^[A-Za-z0-9][A-Za-z0-9_.]{0,31}$/.test(name)) return null;
  return `--account is ${JSON.stringify(name)}: expected a name of 32 letters, digits, "_" and "." at most`;
}
