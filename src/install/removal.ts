/** What it takes to take an installation back. */

import { type Account, accountDirectory, accountState, brainState } from "./layout.ts";
import type { Manifest } from "./manifest.ts";
import { type Found, RELOAD, type Step, usersPath } from "./plan.ts";
import { brainDropIns } from "./policy.ts";
import { REDIS_USERS, userName } from "./redis-users.ts";
import { ROLES, type Role, serviceOf, TIMED, targetOf, timerOf } from "./units.ts";

/** What an installation leaves besides the files that it has written: their folders, and what systemd keeps for its units. */
export function leftBehind({ accounts, layout, policies }: Manifest): readonly Extract<Step, { kind: "remove" }>[] {
  const named = accounts.filter((account) => account !== null);
  const folders = [...named, null].map((account) => accountDirectory(layout, account));
  const dropIns = [...policies.keys()].map(brainDropIns);
  const states = accounts
    .flatMap((account) => [accountState(account), brainState(account)])
    .flatMap((state) => [state.replace("/var/lib/", "/var/lib/private/"), state]);
  const stamps = accounts.flatMap((account) =>
    TIMED.map((stem) => `/var/lib/systemd/timers/stamp-${timerOf(stem, account)}`),
  );
  return [
    ...[...dropIns, ...folders].map((path) => ({ kind: "remove", path, what: "folder" }) as const),
    ...states.map((path) => ({ kind: "remove", path, what: "state" }) as const),
    ...stamps.map((path) => ({ kind: "remove", path, what: "file" }) as const),
  ];
}

/**
 * Takes an installation back. What somebody has changed since is kept and named, but for the settings, which are meant to be
 * changed; with `keepSettings` those stay as well.
 */
export function removal(manifest: Manifest, found: ReadonlyMap<string, Found>, keepSettings: boolean): readonly Step[] {
  const { accounts, files, layout, packaged } = manifest;
  const isThere = (path: string): boolean => (found.get(path) ?? { kind: "absent" }).kind !== "absent";
  const every = (role: Role): readonly string[] => accounts.map((account) => serviceOf(role, account));
  const enabled = accounts.flatMap((account) => [
    ...TIMED.map((stem) => timerOf(stem, account)),
    ...ROLES.map((role) => serviceOf(role, account)),
    targetOf(account),
  ]);
  const isSetting = (path: string): boolean => path.startsWith(`${layout.settings}/`);
  const isSettingsFolder = (path: string): boolean => path === layout.settings || isSetting(path);
  const removed = [...files].flatMap(([path, digest]): readonly Step[] => {
    const there = found.get(path);
    if (there === undefined || !isThere(path)) return [];
    if (isSetting(path)) {
      if (keepSettings) return [{ kind: "keep", path, why: "--keep-settings" }];
      return [{ kind: "remove", path, what: "file" }];
    }
    if (there.kind === "file" && there.sha256 === digest) return [{ kind: "remove", path, what: "file" }];
    return [{ kind: "keep", path, why: "somebody has changed it since: remove it yourself" }];
  });
  return [
    // The end of a brain is an incident for as long as anybody watches.
    { kind: "run", args: ["stop", ...every("watchdog")], why: "who watches goes first", lenient: true },
    { kind: "run", args: ["stop", ...every("eew")], why: "then who acts", lenient: true },
    { kind: "run", args: ["disable", "--now", ...enabled], why: "stopped, and not started any more", lenient: true },
    // Settings that are kept hold their passwords.
    ...accounts.filter((account) => !keepSettings && files.has(usersPath(layout, account))).map(withoutUsers),
    ...removed,
    ...leftBehind(manifest).filter(
      ({ path, what }) => isThere(path) && !(keepSettings && what === "folder" && isSettingsFolder(path)),
    ),
    ...(packaged ? [] : [RELOAD]),
    { kind: "run", args: ["reset-failed", "quantum*"], why: "systemd forgets how they ended", lenient: true },
  ];
}

function withoutUsers(account: Account): Step {
  return { kind: "no_redis_users", users: REDIS_USERS.map((user) => userName(user, account)) };
}
