import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refusedRights } from "../../../src/adapters/redis/rights.ts";
import { removeUsers, setUsers } from "../../../src/adapters/redis/users.ts";
import { REDIS_USERS, urlAs, userName, userRules } from "../../../src/install/redis-users.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

const DEADLINE_MS = 3_000;
const USERS = new Map(REDIS_USERS.map((user) => [userName(user, null), userRules(user, null, "secret")]));

let folder = "";
let redis: TestRedis;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "quantum-users-"));
  writeFileSync(join(folder, "users.acl"), "");
  redis = await startRedis("--aclfile", join(folder, "users.acl"));
});
afterAll(async () => {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("each role may do what it has to as its own user, and Redis keeps the users for its next life", async () => {
  const options = { url: redis.url, deadlineMs: DEADLINE_MS };
  expect(await setUsers(options, USERS)).toEqual({ known: true, value: null });
  // A second time changes nothing.
  expect(await setUsers(options, USERS)).toEqual({ known: true, value: null });
  for (const role of ["brain", "watchdog", "eew"] as const) {
    const url = urlAs(redis.url, userName(role, null), "secret");
    const answer = await refusedRights({ url, namespace: "", deadlineMs: DEADLINE_MS }, role);
    expect(answer).toEqual({ known: true, value: { user: `quantum-${role}`, commands: [] } });
  }
  const kept = readFileSync(join(folder, "users.acl"), "utf8");
  for (const name of USERS.keys()) expect(kept).toContain(`user ${name} on `);

  expect(await removeUsers(options, [...USERS.keys()])).toEqual({ known: true, value: null });
  expect(readFileSync(join(folder, "users.acl"), "utf8")).not.toContain("quantum-");
});

test("a Redis that could not keep the users over a restart is told, with what it says", async () => {
  const forgetful = await startRedis();
  const answer = await setUsers({ url: forgetful.url, deadlineMs: DEADLINE_MS }, USERS);
  expect(answer).toMatchObject({ known: false, why: expect.stringContaining("without a config file") });
  await forgetful.stop();
});
