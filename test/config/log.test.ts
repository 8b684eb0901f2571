import { describe, expect, test } from "bun:test";
import { loadLog } from "../../src/config/log.ts";
import { refused } from "./refused.ts";

describe("loadLog()", () => {
  test.each([
    ["on a terminal", {}, true, { format: "text", fancy: true, timestamps: true }],
    ["on a terminal with NO_COLOR", { NO_COLOR: "1" }, true, { format: "text", fancy: false, timestamps: true }],
    ["on a terminal with an empty NO_COLOR", { NO_COLOR: "" }, true, { format: "text", fancy: true, timestamps: true }],
    ["in a pipe", {}, false, { format: "json", fancy: false, timestamps: true }],
    ["under journald", { JOURNAL_STREAM: "8:1" }, false, { format: "text", fancy: false, timestamps: false }],
    ["in a pipe, text asked for", { LOG_FORMAT: "text" }, false, { format: "text", fancy: false, timestamps: true }],
    ["on a terminal, JSON asked for", { LOG_FORMAT: "json" }, true, { format: "json", fancy: true, timestamps: true }],
    [
      "empty settings",
      { LOG_FORMAT: "", LOG_LEVEL: "", JOURNAL_STREAM: "" },
      false,
      { format: "json", fancy: false, timestamps: true },
    ],
  ] as const)("%s", (_where, env, terminal, expected) => {
    expect(loadLog(env, terminal)).toEqual({ level: "info", ...expected });
  });

  test.each(["debug", "info", "warn", "critical"] as const)("LOG_LEVEL %s", (level) => {
    expect(loadLog({ LOG_LEVEL: level }, false).level).toBe(level);
  });

  test.each([
    ["LOG_LEVEL", "error", 'LOG_LEVEL is "error": expected debug, info, warn, critical'],
    ["LOG_LEVEL", "INFO", 'LOG_LEVEL is "INFO": expected debug, info, warn, critical'],
    ["LOG_FORMAT", "xml", 'LOG_FORMAT is "xml": expected text, json'],
    ["LOG_FORMAT", " json", 'LOG_FORMAT is " json": expected text, json'],
  ] as const)("%s=%j is refused", (name, value, message) => {
    expect(refused(() => loadLog({ [name]: value }, false))).toBe(message);
  });
});
