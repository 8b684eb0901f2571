/** The log, on stdout, through pino: NDJSON for machines, plain lines for people. It never stops a role (`stdout.ts`). */

import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import type { TellLevel, TellMark } from "../../core/tell.ts";
import type { Log } from "../../ports/log.ts";
import { hostStdout } from "./stdout.ts";

/** How a log looks and how much it says. */
export interface LogOptions {
  readonly role: string;
  readonly level: "debug" | "info" | "warn" | "critical";
  readonly format: "text" | "json";
  /** Emoji and colours (contract section 1: on a terminal only, none with NO_COLOR). */
  readonly fancy: boolean;
  /** Local time and role before each text line. */
  readonly timestamps: boolean;
}

/** How grave each level is. */
export const GRAVITY = { debug: 20, info: 30, warn: 40, critical: 60 } as const;

const MARKS: Readonly<Record<TellMark, string>> = { alarm: "🚨", done: "✅", lock: "🔒" };

const COLOURS: Readonly<Record<TellLevel | "debug", string>> = {
  debug: "\u001b[2m",
  info: "",
  warn: "\u001b[33m",
  critical: "\u001b[31m",
};

/** A log on stdout. */
export function hostLog(options: LogOptions): Log {
  return options.format === "json" ? jsonLog(options, hostStdout()) : textLog(options, hostStdout());
}

function jsonLog(options: LogOptions, stdout: DestinationStream): Log {
  const logger = pino(
    {
      level: options.level,
      customLevels: GRAVITY,
      useOnlyCustomLevels: true,
      base: { role: options.role },
      timestamp: stdTimeFunctions.epochTime,
      formatters: { level: (level) => ({ level }) },
    },
    stdout,
  ) as Logger<keyof typeof GRAVITY, true>;
  return { write: (level, text) => logger[level](text) };
}

function textLog(options: LogOptions, stdout: DestinationStream): Log {
  return {
    write: (level, text, mark) => {
      if (GRAVITY[level] < GRAVITY[options.level]) return;
      const sign = options.fancy && mark !== undefined ? `${MARKS[mark]} ` : "";
      const time = options.timestamps ? `${clockTime()} ${options.role.padEnd(8)} ` : "";
      const colour = options.fancy ? COLOURS[level] : "";
      stdout.write(`${time}${colour}${sign}${oneLine(text)}${colour === "" ? "" : "\u001b[0m"}\n`);
    },
  };
}

/** A line break in a venue's message must not forge a line of ours. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ");
}

function clockTime(): string {
  return `${new Date().toTimeString().slice(0, 8)}.${String(Date.now() % 1_000).padStart(3, "0")}`;
}
