import { describe, expect, test } from "bun:test";
import type { Env } from "../../src/config/env.ts";
import { loadRedis, type RedisConfig, redisAddress } from "../../src/config/redis.ts";
import { refused } from "./refused.ts";

const NO_FLAGS = { redisUrl: undefined, namespace: undefined };

function load(env: Env): RedisConfig {
  return loadRedis(env, NO_FLAGS);
}

test("nothing set means the local Redis, no namespace and no trigger secret", () => {
  expect(load({})).toMatchObject({ url: "redis://127.0.0.1:6379", namespace: "", triggerSecret: null });
});

test("an empty variable counts as not set", () => {
  expect(load({ REDIS_URL: "", QUANTUM_NAMESPACE: "", QUANTUM_TRIGGER_SECRET: "" })).toEqual(load({}));
});

test("the deadline leaves room for several attempts within the heartbeat limit", () => {
  expect(load({}).deadlineMs).toBeLessThan(5_000 / 3);
});

describe("REDIS_URL", () => {
  test.each([
    "redis://localhost",
    "redis://127.0.0.1:6380",
    "rediss://cache.example.com:6380",
    "redis://user:hunter2@cache.example.com:6379/0",
    "redis://:hunter2@127.0.0.1/3",
    "redis://127.0.0.1/",
    "redis://[::1]:6379",
  ])("%s is taken as it is", (url) => {
    expect(load({ REDIS_URL: url }).url).toBe(url);
  });

  test.each([
    "127.0.0.1:6379",
    "localhost",
    "http://user:hunter2@127.0.0.1:6379",
    "redis:",
    "redis://",
    "redis:///0",
    "redis://:hunter2@:6379",
    "redis://127.0.0.1:99999",
    "redis://127.0.0.1:hunter2",
    " ",
  ])("%j is refused without being repeated: it may hold a password", (url) => {
    expect(refused(() => load({ REDIS_URL: url }))).toBe(
      "REDIS_URL (--redis-url) is not a Redis URL: expected redis://host:port or rediss://host:port",
    );
  });

  test.each(["/abc", "/0/1", "/-1", "/0x1", "/?db=3", "/0?enableOfflineQueue=true", "#0"])(
    "more than host, port and a database number is refused: %s would be ignored, or change how the link works",
    (rest) => {
      const message = refused(() => load({ REDIS_URL: `redis://:hunter2@127.0.0.1:6379${rest}` }));
      expect(message).toMatch(/^REDIS_URL \(--redis-url\) .*expected redis:/);
      expect(message).not.toContain("hunter2");
    },
  );
});

describe("QUANTUM_NAMESPACE", () => {
  test.each(["acct1", "acct-1", "acct_1", "acct.1", "A"])("%s is a prefix", (namespace) => {
    expect(load({ QUANTUM_NAMESPACE: namespace }).namespace).toBe(namespace);
  });

  test.each(["a:b", "a b", "a*", "ä", "a/b", "\n", "a\n", "{a}"])("%j is refused", (namespace) => {
    const given = JSON.stringify(namespace);
    expect(refused(() => load({ QUANTUM_NAMESPACE: namespace }))).toBe(
      `QUANTUM_NAMESPACE (--namespace) is ${given}: expected letters, digits, "_", "." and "-" only`,
    );
  });
});

test("flags win over the environment, an empty one too", () => {
  const env = { REDIS_URL: "redis://env", QUANTUM_NAMESPACE: "env" };
  const flags = { redisUrl: "redis://flag", namespace: "flag" };
  expect(loadRedis(env, flags)).toMatchObject({ url: "redis://flag", namespace: "flag" });
  expect(loadRedis(env, { ...flags, namespace: "" }).namespace).toBe("");
  expect(refused(() => loadRedis(env, { ...flags, redisUrl: "" }))).toStartWith("REDIS_URL (--redis-url) ");
});

test("the trigger secret is taken as it is, and a refusal beside it does not tell it", () => {
  expect(load({ QUANTUM_TRIGGER_SECRET: " s3cret " }).triggerSecret).toBe(" s3cret ");
  expect(refused(() => load({ QUANTUM_TRIGGER_SECRET: "s3cret", REDIS_URL: "x" }))).not.toContain("s3cret");
});

test.each([
  ["redis://127.0.0.1:6380", "127.0.0.1:6380"],
  ["redis://user:hunter2@cache.example.com/3", "cache.example.com:6379"],
  ["rediss://:hunter2@cache.example.com:1", "cache.example.com:1"],
] as const)("the address of %s for people is %s", (url, address) => {
  expect(redisAddress(url)).toBe(address);
});
