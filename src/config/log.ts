/** How the log looks (contract section 2). */

import { type Env, variable } from "./env.ts";
import { Refusal } from "./refusal.ts";

/** The log's settings, decided. */
export interface LogConfig {
  readonly level: "debug" | "info" | "warn" | "critical";
  readonly format: "text" | "json";
  readonly fancy: boolean;
  readonly timestamps: boolean;
  /** Text goes to the journal, with priorities and fields. */
  readonly journal: boolean;
}

/** What standard output is; neither of both: a pipe or a file. */
export interface Output {
  readonly terminal: boolean;
  readonly journal: boolean;
}

const LEVELS = ["debug", "info", "warn", "critical"] as const;
const FORMATS = ["text", "json"] as const;

/**
 * Reads how to log: text on a terminal and under journald, else JSON.
 *
 * @throws {Refusal} naming the setting that is wrong.
 */
export function loadLog(env: Env, { terminal, journal }: Output): LogConfig {
  const format = oneOf("LOG_FORMAT", variable(env, "LOG_FORMAT"), FORMATS) ?? (terminal || journal ? "text" : "json");
  return {
    level: oneOf("LOG_LEVEL", variable(env, "LOG_LEVEL"), LEVELS) ?? "info",
    format,
    fancy: terminal && variable(env, "NO_COLOR") === null,
    timestamps: !journal,
    journal: journal && format === "text",
  };
}

function oneOf<T extends string>(name: string, text: string | null, allowed: readonly T[]): T | null {
  if (text === null) return null;
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw new Refusal(`${name} is ${JSON.stringify(text)}: expected ${allowed.join(", ")}`);
  return found;
}
