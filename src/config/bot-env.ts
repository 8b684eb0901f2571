/** The environment of a bot that is guarded. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Env, variable } from "./env.ts";

/**
 * What only Quantum can have a use for. With the trigger secret a bot could order an exit, and the rest is between systemd and
 * this process: a bot that answers there, as freqtrade does, would speak in the guard's name.
 */
const OURS: ReadonlySet<string> = new Set([
  "QUANTUM_TRIGGER_SECRET",
  "QUANTUM_TRIGGER_SECRET_FILE",
  "CREDENTIALS_DIRECTORY",
  "NOTIFY_SOCKET",
  "WATCHDOG_USEC",
  "WATCHDOG_PID",
]);

/**
 * The environment as it was given, without what is Quantum's alone. `BINANCE_API_KEY`, `REDIS_URL` and their like stay: the bot
 * has its own use for such names, and `quantum gate`, asked by a bot on another Redis, would see no halt.
 */
export function botEnv(env: Env): Readonly<Record<string, string>> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined && !OURS.has(name)) given[name] = value;
  const credentials = variable(env, "CREDENTIALS_DIRECTORY");
  if (credentials === null || variable(env, "REDIS_URL") !== null || variable(env, "REDIS_URL_FILE") !== null) {
    return given;
  }
  const redisUrl = join(credentials, "redis-url");
  return existsSync(redisUrl) ? { ...given, REDIS_URL_FILE: redisUrl } : given;
}
