import { describe, expect, test } from "bun:test";
import { loadLog } from "../../src/config/log.ts";
import { refused } from "./refused.ts";

describe("loadLog()", () => {
  const terminal = { terminal: true, journal: false };
  const journal = { terminal: false, journal: true };
  const pipe = { terminal: false, journal: false };

  test.each([
    ["on a terminal", {}, terminal, { format: "text", fancy: true, timestamps: true, journal: false }],
    [
      "on a terminal with NO_COLOR",
      { NO_COLOR: "1" },
      terminal,
      { format: "text", fancy: false, timestamps: true, journal: false },
    ],
    [
      "on a terminal with an empty NO_COLOR",
      { NO_COLOR: "" },
      terminal,
      { format: "text", fancy: true, timestamps: true, journal: false },
    ],
    ["in a pipe", {}, pipe, { format: "json", fancy: false, timestamps: true, journal: false }],
    ["in the journal", {}, journal, { format: "text", fancy: false, timestamps: false, journal: true }],
    [
      "in the journal, JSON asked for",
      { LOG_FORMAT: "json" },
      journal,
      { format: "json", fancy: false, timestamps: false, journal: false },
    ],
    [
      "in a pipe that JOURNAL_STREAM does not name",
      { JOURNAL_STREAM: "8:1" },
      pipe,
      { format: "json", fancy: false, timestamps: true, journal: false },
    ],
    [
      "in a pipe, text asked for",
      { LOG_FORMAT: "text" },
      pipe,
      { format: "text", fancy: false, timestamps: true, journal: false },
    ],
    [
      "on a terminal, JSON asked for",
      { LOG_FORMAT: "json" },
      terminal,
      { format: "json", fancy: true, timestamps: true, journal: false },
    ],
    [
      "empty settings",
      { LOG_FORMAT: "", LOG_LEVEL: "" },
      pipe,
      { format: "json", fancy: false, timestamps: true, journal: false },
    ],
  ] as const)("%s", (_where, env, output, expected) => {
    expect(loadLog(env, output)).toEqual({ level: "info", ...expected });
  });

  test.each(["debug", "info", "warn", "critical"] as const)("LOG_LEVEL %s", (level) => {
    expect(loadLog({ LOG_LEVEL: level }, pipe).level).toBe(level);
  });

  test.each([
    ["LOG_LEVEL", "error", 'LOG_LEVEL is "error": expected debug, info, warn, critical'],
    ["LOG_LEVEL", "INFO", 'LOG_LEVEL is "INFO": expected debug, info, warn, critical'],
    ["LOG_FORMAT", "xml", 'LOG_FORMAT is "xml": expected text, json'],
    ["LOG_FORMAT", " json", 'LOG_FORMAT is " json": expected text, json'],
  ] as const)("%s=%j is refused", (name, value, message) => {
    expect(refused(() => loadLog({ [name]: value }, pipe))).toBe(message);
  });
});
