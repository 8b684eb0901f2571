import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadAlerts } from "../../src/config/alerts.ts";
import type { Env } from "../../src/config/env.ts";
import { loadRedis } from "../../src/config/redis.ts";
import { Refusal } from "../../src/config/refusal.ts";
import { credentialOf, secret } from "../../src/config/secret.ts";

const NAME = "QUANTUM_TRIGGER_SECRET";
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-secret-"));
  mkdirSync(join(directory, "credentials"));
  writeFileSync(join(directory, "file"), "hunter2-of-file\n");
  writeFileSync(join(directory, "empty"), "\n");
  writeFileSync(join(directory, "credentials", credentialOf(NAME)), "hunter2-of-systemd\n");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** `dir:` in a value stands for the directory. */
const read = (env: Env): string | null =>
  secret(
    Object.fromEntries(Object.entries(env).map(([key, text]) => [key, text?.replace("dir:", `${directory}/`)])),
    NAME,
  );

describe("secret()", () => {
  const file: Env = { QUANTUM_TRIGGER_SECRET_FILE: "dir:file" };
  const systemd: Env = { CREDENTIALS_DIRECTORY: "dir:credentials" };

  test.each<[string, Env, string | null]>([
    ["the variable, before all others", { [NAME]: "hunter2", ...file, ...systemd }, "hunter2"],
    ["the file, without its line end", { [NAME]: "", ...file, ...systemd }, "hunter2-of-file"],
    ["systemd's credential, without its line end", systemd, "hunter2-of-systemd"],
    ["nowhere", {}, null],
    ["nowhere, where systemd has other credentials only", { CREDENTIALS_DIRECTORY: "dir:" }, null],
  ])("comes from %s", (_place, env, expected) => {
    expect(read(env)).toBe(expected);
  });

  test.each<[string, Env, string]>([
    ["a file that is not there", { QUANTUM_TRIGGER_SECRET_FILE: "dir:missing" }, "can't be read (ENOENT)"],
    ["a file with nothing in it", { QUANTUM_TRIGGER_SECRET_FILE: "dir:empty" }, "is empty, expected the secret in it"],
    // Left out, it would be a system that takes unsigned panics.
    ["credentials that can't be looked at", { CREDENTIALS_DIRECTORY: "dir:file" }, "can't be read (ENOTDIR)"],
  ])("is refused, and not left out, for %s", (_what, env, why) => {
    expect(() => read(env)).toThrow(Refusal);
    expect(() => read(env)).toThrow(why);
  });
});

test("every setting that is a secret may come from a file or a credential", () => {
  const put = (name: string, text: string): void => writeFileSync(join(directory, "credentials", name), `${text}\n`);
  put("redis-url", "redis://user:hunter2@127.0.0.1:7000");
  put("alert-webhook-url", "https://hooks.example/hunter2");
  put("telegram-bot-token", "1:hunter2");
  const env: Env = { CREDENTIALS_DIRECTORY: join(directory, "credentials"), TELEGRAM_CHAT_ID: "7" };
  expect(loadRedis(env, { redisUrl: undefined, namespace: undefined })).toMatchObject({
    url: "redis://user:hunter2@127.0.0.1:7000",
    triggerSecret: "hunter2-of-systemd",
  });
  expect(loadAlerts(env)).toEqual({
    webhooks: ["https://hooks.example/hunter2"],
    telegram: { token: "1:hunter2", chatId: "7" },
  });
});
