import { describe, expect, test } from "bun:test";
import {
  aclText,
  passwordIn,
  REDIS_USERS,
  type RedisUser,
  rulesIn,
  urlAs,
  userName,
  userRules,
} from "../../src/install/redis-users.ts";

const PASSWORDS: ReadonlyMap<RedisUser, string> = new Map(REDIS_USERS.map((user) => [user, `pass-${user}`]));

describe("userRules()", () => {
  test("begin from nothing, and keep a selector together", () => {
    const rules = userRules("bot", null, "secret");
    expect(rules.slice(0, 4)).toEqual(["reset", "on", expect.stringMatching(/^#[0-9a-f]{64}$/), "resetchannels"]);
    expect(rules).toContain("(+xadd ~exit_brain:heartbeat)");
  });

  test("of an account are for its keys only", () => {
    const keys = REDIS_USERS.flatMap((user) => userRules(user, "main", "secret").join(" ").match(/~\S+/g) ?? []);
    expect(keys.length).toBeGreaterThan(20);
    expect(keys.filter((key) => !key.startsWith("~main:"))).toEqual([]);
  });

  test("hold a password as its hash only", () => {
    expect(aclText(null, PASSWORDS)).not.toContain("pass-");
  });
});

test("the file has one line for each user, and leaves the default user as it is", () => {
  const lines = aclText("main", PASSWORDS).trimEnd().split("\n");
  expect(lines.map((line) => line.split(" ", 2).join(" "))).toEqual([
    "user default",
    ...REDIS_USERS.map((user) => `user ${userName(user, "main")}`),
  ]);
});

test("what stands in the file is read back as it would be set", () => {
  const rules = rulesIn(aclText("main", PASSWORDS));
  expect([...rules.keys()]).toEqual(REDIS_USERS.map((user) => userName(user, "main")));
  expect(rules.get(userName("eew", "main"))).toEqual(userRules("eew", "main", PASSWORDS.get("eew") ?? ""));
  expect(rulesIn("")).toEqual(new Map());
});

test.each([
  ["redis://127.0.0.1:6379", "redis://u:p@127.0.0.1:6379"],
  ["rediss://old:word@host:6380/2", "rediss://u:p@host:6380/2"],
  ["redis://:word@host", "redis://u:p@host"],
])("%s becomes %s", (url, expected) => {
  expect(urlAs(url, "u", "p")).toBe(expected);
  expect(passwordIn(urlAs(url, "u", "p"))).toBe("p");
});

test("a URL without a password has none", () => {
  expect(passwordIn("redis://127.0.0.1:6379")).toBeNull();
});
