import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { botEnv } from "../../src/config/bot-env.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-test-env-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const THEIRS = {
  PATH: "/bin",
  EMPTY: "",
  BINANCE_API_KEY: "key",
  BINANCE_API_SECRET: "secret",
  REDIS_URL: "redis://quantum-brain:pw@h:1",
  TELEGRAM_BOT_TOKEN: "1:x",
  QUANTUM_NAMESPACE: "main",
  JOURNAL_STREAM: "1:2",
};

test("a bot gets the environment as it was given, but for what is Quantum's alone", () => {
  const ours = {
    QUANTUM_TRIGGER_SECRET: "s",
    QUANTUM_TRIGGER_SECRET_FILE: "/s",
    CREDENTIALS_DIRECTORY: directory,
    NOTIFY_SOCKET: "/run/notify",
    WATCHDOG_USEC: "5000000",
    WATCHDOG_PID: "1",
  };
  expect(botEnv({ ...THEIRS, ...ours })).toEqual(THEIRS);
});

test("a bot that asks the gate asks the same Redis, also where its URL is a credential", () => {
  const { REDIS_URL: _, ...others } = THEIRS;
  const given = { ...others, CREDENTIALS_DIRECTORY: directory };
  expect(botEnv(given)).toEqual(others);
  writeFileSync(join(directory, "redis-url"), "redis://h:1");
  expect(botEnv(given)).toEqual({ ...others, REDIS_URL_FILE: join(directory, "redis-url") });
  expect(botEnv({ ...given, REDIS_URL_FILE: "/own" })).toEqual({ ...others, REDIS_URL_FILE: "/own" });
  expect(botEnv({ ...given, REDIS_URL: "redis://own" })).toEqual({ ...others, REDIS_URL: "redis://own" });
});
