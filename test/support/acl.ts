/** A real redis-server with the users of `redis/users.acl`. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis, type TestRedis } from "./redis.ts";
import { ROOT } from "./run.ts";

/** The template, as it is in the repository. */
export const ACL_TEMPLATE: string = readFileSync(join(ROOT, "redis", "users.acl"), "utf8");

/** The users in it, but for the administrator. */
export const USERS = ["quantum-brain", "quantum-watchdog", "quantum-eew", "quantum-ops", "quantum-bot"] as const;

/** One of them. */
export type AclUser = (typeof USERS)[number];

/** Every user's password; no message may hold it. */
export const PASSWORD = "s3cret-passw0rd";

/** A server with those users; `command` is the administrator's. */
export interface AclRedis extends TestRedis {
  urlOf(user: AclUser): string;
}

/** Starts one; `prefix` goes before every key, as the README says for a namespace. */
export async function startAclRedis(prefix = ""): Promise<AclRedis> {
  const directory = mkdtempSync(join(tmpdir(), "quantum-test-acl-"));
  const file = join(directory, "users.acl");
  const lines = ACL_TEMPLATE.trimEnd()
    .split("\n")
    .map((line) =>
      line.startsWith("user default ")
        ? line.replace("#CHANGE-ME", "nopass")
        : line.replace("#CHANGE-ME", `>${PASSWORD}`).replaceAll("~", `~${prefix}`),
    );
  writeFileSync(file, `${lines.join("\n")}\n`);
  const redis = await startRedis("--aclfile", file);
  return {
    ...redis,
    urlOf: (user) => redis.url.replace("redis://", `redis://${user}:${PASSWORD}@`),
    stop: async () => {
      await redis.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
