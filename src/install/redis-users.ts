/** A Redis user for each role, with the rights that `redis/users.acl` has for it, which is a part of the executable. */

import { createHash } from "node:crypto";
import template from "../../redis/users.acl" with { type: "text" };
import type { Account } from "./layout.ts";

/** Who has a user of its own. The bot is somebody else's program, which beats for itself. */
export const REDIS_USERS = ["brain", "watchdog", "eew", "ops", "bot"] as const;
export type RedisUser = (typeof REDIS_USERS)[number];

/** The name of a user; an account's are its own. */
export function userName(user: RedisUser, account: Account): string {
  return account === null ? `quantum-${user}` : `quantum-${user}-${account}`;
}

/** What a user may, as the words of `ACL SETUSER NAME …`; the password is there as its hash only. */
export function userRules(user: RedisUser, account: Account, password: string): readonly string[] {
  const line = template.split("\n").find((text) => text.startsWith(`user quantum-${user} `));
  if (line === undefined) throw new Error(`redis/users.acl has no user quantum-${user}`);
  const rules = line
    .replace(`user quantum-${user} `, "")
    .replace("#CHANGE-ME", `#${createHash("sha256").update(password).digest("hex")}`)
    .replaceAll("~", account === null ? "~" : `~${account}:`);
  return ["reset", ...wordsOf(rules)];
}

/**
 * The same for all users as a file, for a Redis that has an `aclfile`. The default user is as Redis has it, open: it is for
 * the administrator to close.
 */
export function aclText(account: Account, passwords: ReadonlyMap<RedisUser, string>): string {
  const lines = [...passwords].map(([user, password]) => {
    return `user ${userName(user, account)} ${userRules(user, account, password).join(" ")}`;
  });
  return `user default on nopass ~* &* +@all\n${lines.join("\n")}\n`;
}

/** The rules in such a text, by the name of the user; the default user is not ours. */
export function rulesIn(text: string): ReadonlyMap<string, readonly string[]> {
  const rules = new Map<string, readonly string[]>();
  for (const line of text.split("\n")) {
    const [, name, words] = /^user (quantum-\S+) (.+)$/.exec(line) ?? [];
    if (name !== undefined && words !== undefined) rules.set(name, wordsOf(words));
  }
  return rules;
}

/** A selector in parentheses is one word. */
function wordsOf(rules: string): readonly string[] {
  return rules.match(/\([^)]*\)|\S+/g) ?? [];
}

/** A Redis URL as this user; whoever it was written for is left out. */
export function urlAs(url: string, name: string, password: string): string {
  return url.replace(/^([a-z+]+:\/\/)(?:[^/?#]*@)?/i, `$1${name}:${password}@`);
}

/** The password in such a URL; null if there is none. */
export function passwordIn(url: string): string | null {
  return /^[a-z+]+:\/\/[^/?#]*:([^/?#@]*)@/i.exec(url)?.[1] ?? null;
}
