import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Env } from "../../src/config/env.ts";
import { loadRedis, type RedisConfig, redisAddress } from "../../src/config/redis.ts";
import { throwAwayCertificate } from "../../src/sim/certificate.ts";
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
    "redis+sentinel://sentinel-1/mymaster",
    "redis+sentinel://:hunter2@10.0.0.1:26379,10.0.0.2:26380,[::1]:1/mymaster/3",
    "rediss+sentinel://user:h%40nter2@a.example,b.example/my.master_1-a?sentinel_username=s&sentinel_password=hunter2",
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
    "redis://:%zz@127.0.0.1",
    "redis-sentinel://:hunter2@127.0.0.1/mymaster",
    " ",
  ])("%j is refused without being repeated: it may hold a password", (url) => {
    expect(refused(() => load({ REDIS_URL: url }))).toBe(
      "REDIS_URL (--redis-url) is not a Redis URL: expected redis://host:port, rediss://host:port for TLS, or redis+sentinel://host:port,host:port/master-name",
    );
  });

  test.each([
    "redis+sentinel:",
    "redis+sentinel://",
    "redis+sentinel://:hunter2@127.0.0.1:26379",
    "redis+sentinel://:hunter2@127.0.0.1:26379/",
    "redis+sentinel://:hunter2@/mymaster",
    "redis+sentinel://:hunter2@127.0.0.1:26379,/mymaster",
    "redis+sentinel://:hunter2@127.0.0.1:99999/mymaster",
    "redis+sentinel://:hunter2@127.0.0.1:26379/mymaster/one",
    "redis+sentinel://:hunter2@127.0.0.1:26379/my master",
    "redis+sentinel://:hunter2@127.0.0.1:26379/mymaster/0/1",
    "rediss+sentinel://:%zz@127.0.0.1/mymaster",
    "redis+sentinel://:hunter2@a b/mymaster",
  ])("%j is refused without being repeated: it names no sentinels, or no master", (url) => {
    expect(refused(() => load({ REDIS_URL: url }))).toBe(
      "REDIS_URL (--redis-url) is not a Sentinel URL: expected redis+sentinel://host:port,host:port/master-name, with /database after the name if it is not 0",
    );
  });

  test.each(["?db=3", "?sentinel_password=hunter2&x=y", "#hunter2", "?#hunter2"])(
    "a Sentinel URL with an option that nobody reads is refused: %s",
    (rest) => {
      expect(refused(() => load({ REDIS_URL: `redis+sentinel://:hunter2@127.0.0.1/mymaster${rest}` }))).toBe(
        "REDIS_URL (--redis-url) has an option that is not known: expected sentinel_username and sentinel_password at most",
      );
    },
  );

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
  ["redis://[::1]/3", "[::1]:6379"],
  [
    "rediss+sentinel://u:hunter2@a.example,b.example:1,[::1]/m/3?sentinel_password=hunter2",
    "m (sentinels a.example:26379, b.example:1, [::1]:26379)",
  ],
] as const)("the address of %s for people is %s", (url, address) => {
  expect(redisAddress(url)).toBe(address);
});

let directory: string;
let caPem: string;
let keyPem: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "quantum-test-config-"));
  ({ certPem: caPem, keyPem } = await throwAwayCertificate());
  writeFileSync(join(directory, "ca.pem"), caPem);
  writeFileSync(join(directory, "key.pem"), keyPem);
  writeFileSync(join(directory, "other-key.pem"), (await throwAwayCertificate()).keyPem);
  writeFileSync(join(directory, "nonsense.pem"), "hunter2");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("REDIS_CERT_FILE and REDIS_KEY_FILE", () => {
  const own = (env: Env): RedisConfig["own"] => {
    const files = Object.entries(env).map(([name, value]) => [name, join(directory, value ?? "")]);
    return load({ REDIS_URL: "rediss://127.0.0.1", ...(Object.fromEntries(files) as Env) }).own;
  };

  test("are read together", () => {
    expect(own({ REDIS_CERT_FILE: "ca.pem", REDIS_KEY_FILE: "key.pem" })).toEqual({ cert: caPem, key: keyPem });
    expect(own({})).toBeNull();
  });

  test.each([
    [{ REDIS_CERT_FILE: "ca.pem" }, /^REDIS_CERT_FILE is set alone: expected both, or neither$/],
    [{ REDIS_KEY_FILE: "key.pem" }, /^REDIS_KEY_FILE is set alone: expected both, or neither$/],
    [{ REDIS_CERT_FILE: "nonsense.pem", REDIS_KEY_FILE: "key.pem" }, /^REDIS_CERT_FILE: .* holds no certificate/],
    [{ REDIS_CERT_FILE: "ca.pem", REDIS_KEY_FILE: "missing" }, /^REDIS_KEY_FILE: .* can't be read \(ENOENT\)/],
    [{ REDIS_CERT_FILE: "ca.pem", REDIS_KEY_FILE: "nonsense.pem" }, /^REDIS_KEY_FILE: .* is not the key to/],
    [{ REDIS_CERT_FILE: "ca.pem", REDIS_KEY_FILE: "other-key.pem" }, /^REDIS_KEY_FILE: .* is not the key to/],
  ] as const)("%j is refused", (env, expected) => {
    const message = refused(() => own(env));
    expect(message).toMatch(expected);
    expect(message).not.toContain("hunter2");
  });

  test("are refused beside a URL that asks for no TLS", () => {
    const env = { REDIS_CERT_FILE: join(directory, "ca.pem"), REDIS_KEY_FILE: join(directory, "key.pem") };
    expect(refused(() => load(env))).toBe(
      "REDIS_CERT_FILE is set, but REDIS_URL (--redis-url) asks for no TLS: expected rediss:// in it",
    );
  });
});

describe("REDIS_CA_FILE", () => {
  test.each(["rediss://127.0.0.1", "rediss+sentinel://127.0.0.1/mymaster"])("is read for %s", (url) => {
    expect(load({ REDIS_URL: url, REDIS_CA_FILE: join(directory, "ca.pem") }).caPem).toBe(caPem);
    expect(load({ REDIS_URL: url, REDIS_CA_FILE: "" }).caPem).toBeNull();
  });

  test("is refused where it can't be read, or is no certificate; what is in it is not told", () => {
    const loadCa = (name: string): string =>
      refused(() => load({ REDIS_URL: "rediss://127.0.0.1", REDIS_CA_FILE: join(directory, name) }));
    expect(loadCa("missing")).toBe(
      `REDIS_CA_FILE: ${directory}/missing can't be read (ENOENT), expected a readable file`,
    );
    expect(loadCa("nonsense.pem")).toBe(
      `REDIS_CA_FILE: ${directory}/nonsense.pem holds no certificate, expected one in PEM`,
    );
  });

  test("is refused beside a URL that asks for no TLS: nothing would be verified", () => {
    expect(refused(() => load({ REDIS_CA_FILE: join(directory, "ca.pem") }))).toBe(
      "REDIS_CA_FILE is set, but REDIS_URL (--redis-url) asks for no TLS: expected rediss:// in it",
    );
  });
});
