/** What an installation would do, decided before anything is touched: what is shown by `--dry-run` is what is done. */

import { createHash } from "node:crypto";
import { type Account, accountDirectory, type Layout, policyPath } from "./layout.ts";
import { brainDropIns, type PolicyMode, policyDropIn, policyDropInText } from "./policy.ts";
import { aclText, type RedisUser, rulesIn, urlAs, userName, userRules } from "./redis-users.ts";
import { type SecretName, secretPath } from "./secrets.ts";
import { ROLES, type Role, serviceOf, TIMED, targetOf, timerOf, units } from "./units.ts";

/** A file as it is to be. */
export interface WantedFile {
  readonly path: string;
  /** Permission bits. Everything belongs to root. */
  readonly mode: number;
  /** Its text; for the executable, which program is copied; for a secret, the name under which it is sealed, if it is. */
  readonly content:
    | { readonly kind: "text"; readonly text: string }
    | { readonly kind: "program"; readonly from: string; readonly sha256: string }
    | { readonly kind: "secret"; readonly name: SecretName; readonly value: string; readonly sealed: boolean };
  /** `ours` is replaced where it differs, `yours` is kept where it exists. */
  readonly care: "ours" | "yours";
}

/** What is at a path. */
export type Found =
  | { readonly kind: "absent" }
  | { readonly kind: "file"; readonly sha256: string; readonly mode: number }
  | { readonly kind: "unreadable"; readonly why: string };

/** The words of `ACL SETUSER` for each user. */
type UserRules = ReadonlyMap<string, readonly string[]>;

/** One thing that is done. */
export type Step =
  | { readonly kind: "directory"; readonly path: string; readonly mode: number }
  | { readonly kind: "create" | "replace"; readonly file: WantedFile }
  | { readonly kind: "keep"; readonly path: string; readonly why: string }
  /** Something that nobody here has written is in the way. */
  | { readonly kind: "stranger"; readonly path: string; readonly why: string }
  /** A folder goes only if nothing is left in it; a state with everything in it; a text comes back if a later step fails. */
  | { readonly kind: "remove"; readonly path: string; readonly what: "file" | "text" | "folder" | "state" }
  /** A call of systemctl; `lenient` where it may find nothing to do, which it calls a failure. */
  | { readonly kind: "run"; readonly args: readonly string[]; readonly why: string; readonly lenient?: true }
  /** Users on Redis, and as they were before; or, without them, taken away. */
  | { readonly kind: "redis_users"; readonly users: UserRules; readonly former: UserRules }
  | { readonly kind: "no_redis_users"; readonly users: readonly string[] }
  /** Restarted, and seen at work again before the next one. */
  | { readonly kind: "restart"; readonly unit: string };

/** What is asked for. */
export interface Wishes {
  readonly layout: Layout;
  readonly account: Account;
  /** The executable and the units are a package's; only settings are written. */
  readonly packaged: boolean;
  readonly sealed: boolean;
  /** The program that is installed: where it lies now, and its digest. */
  readonly program: { readonly path: string; readonly sha256: string };
  readonly settings: string;
  /** Secrets that are written; those that are there already and stay are left out. */
  readonly secrets: ReadonlyMap<SecretName, string>;
  /** Where every role has a user of its own on Redis: their passwords, and the URL that they are put into; null elsewhere. */
  readonly redis: { readonly url: string; readonly passwords: ReadonlyMap<RedisUser, string> } | null;
  /** The exit policy that the brain runs; `text` is null where its file stays as it is. Null: it runs none. */
  readonly policy: { readonly text: string | null; readonly mode: PolicyMode } | null;
}

/** Every file of an installation, in the order in which they are written. */
export function wantedFiles(wishes: Wishes): readonly WantedFile[] {
  const { account, layout, packaged, policy, program, redis, sealed, secrets, settings } = wishes;
  const own: WantedFile[] = [
    {
      path: layout.executable,
      mode: 0o755,
      content: { kind: "program", from: program.path, sha256: program.sha256 },
      care: "ours",
    },
    ...units(layout, sealed).map(({ name, text }) => asText(`${layout.units}/${name}`, 0o644, text)),
  ];
  const directory = accountDirectory(layout, account);
  const forRedis = [...(redis?.passwords ?? [])].map(([user, password]): WantedFile => {
    const url = urlAs(redis?.url ?? "", userName(user, account), password);
    return asText(`${directory}/quantum-${user}.env`, 0o600, `REDIS_URL=${url}\n`);
  });
  return [
    ...(packaged ? [] : own),
    { ...asText(`${directory}/quantum.env`, 0o600, settings), care: "yours" },
    ...[...secrets].map(
      ([name, value]): WantedFile => ({
        path: secretPath(layout, account, name, sealed),
        mode: 0o600,
        content: { kind: "secret", name, value, sealed },
        care: "ours",
      }),
    ),
    ...(redis === null
      ? []
      : [asText(usersPath(layout, account), 0o600, aclText(account, redis.passwords)), ...forRedis]),
    ...(policy === null || policy.text === null ? [] : [asText(policyPath(layout, account), 0o600, policy.text)]),
    ...(policy === null ? [] : [asText(policyDropIn(account), 0o644, policyDropInText(layout, account, policy.mode))]),
  ];
}

/** Takes a policy away that was installed, given what is there. */
export function policyRemoval(
  { account, layout }: Pick<Wishes, "account" | "layout">,
  found: ReadonlyMap<string, Found>,
): readonly Step[] {
  const [dropIn, file] = [policyDropIn(account), policyPath(layout, account)];
  const isThere = (path: string): boolean => found.get(path)?.kind === "file";
  return [
    ...(isThere(dropIn) ? [{ kind: "remove", path: dropIn, what: "text" } as const] : []),
    ...(isThere(dropIn) ? [{ kind: "remove", path: brainDropIns(account), what: "folder" } as const] : []),
    ...(isThere(file) ? [{ kind: "remove", path: file, what: "text" } as const] : []),
  ];
}

function asText(path: string, mode: number, text: string): WantedFile {
  return { path, mode, content: { kind: "text", text }, care: "ours" };
}

/** Where the users of an account lie as a file for Redis. */
export function usersPath(layout: Pick<Layout, "settings">, account: Account): string {
  return `${accountDirectory(layout, account)}/users.acl`;
}

/**
 * The users on Redis itself, before any role is told to be one; nothing where they are as they should be. `former` is the text
 * that is at `usersPath()` now, empty for none: roles that work are these users, and would be thrown out without them.
 */
export function userSteps({ account, layout, redis }: Wishes, files: readonly Step[], former: string): readonly Step[] {
  const path = usersPath(layout, account);
  if (redis === null || !files.some((step) => "file" in step && step.file.path === path)) return [];
  const users = [...redis.passwords].map(([user, password]) => {
    return [userName(user, account), userRules(user, account, password)] as const;
  });
  return [{ kind: "redis_users", users: new Map(users), former: rulesIn(former) }];
}

/** What is to be done for each file, given what is there. A secret that is written is always new: what stays is not in the list. */
export function fileSteps(files: readonly WantedFile[], found: ReadonlyMap<string, Found>): readonly Step[] {
  return files.flatMap((file): readonly Step[] => {
    const there = found.get(file.path) ?? { kind: "absent" };
    if (there.kind === "absent") return [{ kind: "create", file }];
    if (there.kind === "unreadable") return [{ kind: "stranger", path: file.path, why: there.why }];
    if (file.care === "yours") return [{ kind: "keep", path: file.path, why: "it is yours" }];
    const isSame = there.sha256 === digestOf(file) && there.mode === file.mode;
    return isSame ? [] : [{ kind: "replace", file }];
  });
}

/** The digest by which a file is known again; null where it can't be: each sealing of a secret looks different. */
export function digestOf({ content }: WantedFile): string | null {
  switch (content.kind) {
    case "program":
      return content.sha256;
    case "text":
      return sha256(content.text);
    case "secret":
      return content.sealed ? null : sha256(`${content.value}\n`);
  }
}

/** Hex. */
function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** What is enabled by a first installation: afterwards a person may have disabled some of it, and that stays. */
export function enabling(account: Account): Step {
  const names = [
    targetOf(account),
    ...ROLES.map((role) => serviceOf(role, account)),
    ...TIMED.map((stem) => timerOf(stem, account)),
  ];
  return { kind: "run", args: ["enable", ...names], why: "started at every boot" };
}

/** After any unit file was written or removed. */
export const RELOAD: Step = { kind: "run", args: ["daemon-reload"], why: "systemd reads the units anew" };

/** Roles of an account that have to be restarted. */
export interface Touched {
  readonly account: Account;
  readonly roles: readonly Role[];
}

/** All roles of these accounts. */
export function everyRole(accounts: readonly Account[]): readonly Touched[] {
  return accounts.map((account) => ({ account, roles: ROLES }));
}

/**
 * Who has to be restarted for these changes: everybody for a new executable or unit, else the account's own roles, which alone
 * have new settings or secrets, and for a new policy its brain. Nothing is said of who runs.
 */
export function affected(
  changes: readonly Step[],
  { account, layout }: Pick<Wishes, "account" | "layout">,
  accounts: readonly Account[],
): readonly Touched[] {
  const paths = changes.flatMap((step) => (step.kind === "keep" ? [] : (pathOf(step) ?? [])));
  const ofPolicy = [policyPath(layout, account), policyDropIn(account), brainDropIns(account)];
  const others = paths.filter((path) => !ofPolicy.includes(path));
  const isShared = (path: string): boolean => path === layout.executable || path.startsWith(`${layout.units}/`);
  if (others.some(isShared)) return everyRole(accounts);
  const directory = accountDirectory(layout, account);
  const isOwn = (path: string): boolean => path.slice(0, path.lastIndexOf("/")) === directory;
  if (others.some((path) => isOwn(path) && !path.endsWith("/installed.json"))) return everyRole([account]);
  return others.length < paths.length ? [{ account, roles: ["brain"] }] : [];
}

/**
 * The brain of a policy that was edited where it lies, and is given again: no file changes, and the brain runs the former one.
 * `record` has the digest of each file as it was written last.
 */
export function editedInPlace(
  { account, layout, policy }: Wishes,
  record: ReadonlyMap<string, string | null>,
): readonly Touched[] {
  const written = record.get(policyPath(layout, account)) ?? null;
  if (policy === null || policy.text === null || written === null || sha256(policy.text) === written) return [];
  return [{ account, roles: ["brain"] }];
}

/** The same without the brains whose unit runs a command of somebody's own: to restart a bot is not ours to decide. */
export function withoutBrains(touched: readonly Touched[], foreign: readonly Account[]): readonly Touched[] {
  return touched.map(({ account, roles }) => ({
    account,
    roles: foreign.includes(account) ? roles.filter((role) => role !== "brain") : roles,
  }));
}

/** Whether systemd has to read its units anew. */
export function unitsChange(
  changes: readonly Step[],
  { account, packaged }: Pick<Wishes, "account" | "packaged">,
): boolean {
  return changes.some((step) => step.kind !== "keep" && (!packaged || pathOf(step) === policyDropIn(account)));
}

function pathOf(step: Step): string | null {
  if ("file" in step) return step.file.path;
  return "path" in step ? step.path : null;
}

/** The restarts of the roles that run, those who protect before who is protected: the gap of each is its own. */
export function restarts(running: readonly string[], touched: readonly Touched[]): readonly Step[] {
  const accounts = [...new Set(touched.map(({ account }) => account))];
  return accounts.flatMap((account) =>
    ROLES.filter((role) => touched.some((one) => one.account === account && one.roles.includes(role)))
      .map((role) => serviceOf(role, account))
      .filter((unit) => running.includes(unit))
      .map((unit): Step => ({ kind: "restart", unit })),
  );
}
