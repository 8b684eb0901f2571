/**
 * The log, on stdout, through pino: NDJSON for machines, plain lines for people.
 *
 * Written synchronously and to the file descriptor itself: under Bun, process.stdout loses what a pipe has not
 * taken at exit, and a reader that went away would kill the process. Here a line that can't be written is
 * counted and dropped; the log never stops a role.
 */

import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from "pino";
import type { TellLevel, TellMark } from "../../core/tell.ts";
import type { Log } from "../../ports/log.ts";
import { pauseHere } from "./output.ts";

/** How a log looks and how much it says. */
export interface LogOptions {
  readonly role: string;
  readonly level: "debug" | "info" | "warn" | "critical";
  readonly format: "text" | "json";
  /** Emoji and colours (contract section 1: on a terminal only, none with NO_COLOR). */
  readonly fancy: boolean;
  /** Local time before each text line; journald adds its own. */
  readonly timestamps: boolean;
}

const LEVELS = { debug: 20, info: 30, warn: 40, critical: 60 } as const;

const MARKS: Readonly<Record<TellMark, string>> = { alarm: "🚨", done: "✅", lock: "🔒" };

const COLOURS: Readonly<Record<TellLevel | "debug", string>> = {
  debug: "\u001b[2m",
  info: "",
  warn: "\u001b[33m",
  critical: "\u001b[31m",
};

/** What is kept for a reader that has fallen behind. */
const BACKLOG_BYTES = 1_048_576;

/** How soon a reader that has fallen behind is offered the rest again. */
const AGAIN_MS = 100;

/** The same while the process ends: so often, and so long apart. The last words of a role are the ones that matter. */
const LAST_ATTEMPTS = 50;
const LAST_PAUSE_MS = 10;

/** A log on stdout. */
export function hostLog(options: LogOptions): Log {
  // A reader that stops reading must not stop the role: lines past a full pipe and this much memory are dropped.
  const stdout = destination({ fd: 1, sync: true, minLength: 0, maxLength: BACKLOG_BYTES, retryEAGAIN: () => false });
  let behind = false;
  // Writing nothing offers what is kept. pino's own flushSync would never come back from a full disk.
  const offer = (): boolean => {
    behind = false;
    stdout.write("");
    return !behind;
  };
  stdout.on("error", () => {
    if (!behind) setTimeout(offer, AGAIN_MS).unref();
    behind = true;
  });
  process.once("exit", () => {
    for (let attempt = 0; attempt < LAST_ATTEMPTS && !offer(); attempt++) pauseHere(LAST_PAUSE_MS);
  });
  return options.format === "json" ? jsonLog(options, stdout) : textLog(options, stdout);
}

function jsonLog(options: LogOptions, stdout: DestinationStream): Log {
  const logger = pino(
    {
      level: options.level,
      customLevels: LEVELS,
      useOnlyCustomLevels: true,
      base: { role: options.role },
      timestamp: stdTimeFunctions.epochTime,
      formatters: { level: (level) => ({ level }) },
    },
    stdout,
  ) as Logger<keyof typeof LEVELS, true>;
  return { write: (level, text) => logger[level](text) };
}

function textLog(options: LogOptions, stdout: DestinationStream): Log {
  return {
    write: (level, text, mark) => {
      if (LEVELS[level] < LEVELS[options.level]) return;
      const sign = options.fancy && mark !== undefined ? `${MARKS[mark]} ` : "";
      const time = options.timestamps ? `${clockTime()} ${options.role.padEnd(8)} ` : "";
      const colour = options.fancy ? COLOURS[level] : "";
      // A line break in a venue's message must not forge a line of ours.
      const line = text.replaceAll(/[\r\n]+/g, " ");
      stdout.write(`${time}${colour}${sign}${line}${colour === "" ? "" : "\u001b[0m"}\n`);
    },
  };
}

function clockTime(): string {
  return `${new Date().toTimeString().slice(0, 8)}.${String(Date.now() % 1_000).padStart(3, "0")}`;
}
