import { describe, expect, test } from "bun:test";
import { matches, missingFromHash, missingFromLog, missingFromReply } from "./printed.ts";
import { limitsMs, RUNBOOK, section } from "./runbook.ts";
import { DEVIATIONS, typed } from "./typed.ts";

describe("the runbook's text", () => {
  test("gives each command with what it should show", () => {
    const { commands } = section(RUNBOOK, "Step 1:");
    expect(commands.map(({ line }) => line)).toEqual([
      "redis-cli XREVRANGE exit_brain:heartbeat + - COUNT 5",
      "journalctl -u quantum-emergency-exit-worker -n 5 --no-pager",
    ]);
    expect(commands.map(({ expected }) => expected.length)).toEqual([3, 1]);
    expect(commands[1]?.expected).toEqual(['Should see: "Listening for panic_close events..."']);
  });

  test("takes a comment that shows nothing for the next command's title", () => {
    const { commands } = section(RUNBOOK, "Step 3:");
    expect(commands).toEqual([
      { line: "sudo systemctl stop quantum-exit-brain.service", expected: [] },
      { line: 'sudo kill -9 $(pgrep -f "main_with_watchdog.py")', expected: [] },
    ]);
  });

  test("gives the lines of a log", () => {
    expect(section(RUNBOOK, "Step 4:").log).toHaveLength(5);
    expect(section(RUNBOOK, "Step 6:").log).toHaveLength(19);
  });

  test("keeps what stands under one heading from the next", () => {
    expect(section(RUNBOOK, "Step 2:")).toMatchObject({ commands: [], log: [] });
    expect(() => section(RUNBOOK, "Step 9:")).toThrow('no heading that begins with "Step 9:"');
  });

  test("gives the thresholds", () => {
    expect([...limitsMs(RUNBOOK)]).toEqual([
      ["Heartbeat last seen → panic_close published", 5_500],
      ["panic_close → all positions closed", 10_000],
      ["Total: kill → positions closed", 15_000],
    ]);
  });

  test("has every command that is typed otherwise", () => {
    for (const { printed } of DEVIATIONS) expect(RUNBOOK).toContain(printed);
    expect(typed('sudo kill -9 $(pgrep -f "main_with_watchdog.py")')).toBe(
      "systemctl kill -s KILL quantum-exit-brain.service",
    );
  });
});

describe("a line of the runbook", () => {
  const ID = "6e1aa1a5-8b8a-5d0f-bf38-58e2b4d4785a";

  test.each([
    ["🚨 FAILURE DETECTED: Heartbeat missing (5.1s > 5.0s)", "FAILURE DETECTED: Heartbeat missing (5.1s > 5.0s)"],
    ["🚨 FAILURE DETECTED: Heartbeat missing (5.1s > 5.0s)", "🚨 FAILURE DETECTED: Heartbeat missing (12.4s > 5.0s)"],
    ["🚨 TRIGGERING PANIC CLOSE 🚨", "TRIGGERING PANIC CLOSE"],
    ["Event ID: 550e8400-e29b-41d4-a716-446655440000", `Event ID: ${ID}`],
    ["✅ Trigger validated (source=watchdog, age=0.5s)", "Trigger validated (source=watchdog, age=0.0s)"],
    ["Total notional: $207.50", "Total notional: $1321.00"],
    ["✅ BTCUSDT closed - Order ID: 12345678", "BTCUSDT closed - Order ID: 8389765500000000001"],
    ["Execution time: 1847ms", "Execution time: 18ms"],
    ["Listening for panic_close events...", "Listening for panic_close events..."],
  ])("%s is shown as %s", (printed, found) => expect(matches(printed, found)).toBe(true));

  test.each([
    ["🚨 FAILURE DETECTED: Heartbeat missing (5.1s > 5.0s)", "FAILURE DETECTED: Heartbeat missing (5.1s > 6.0s)"],
    ["🚨 TRIGGERING PANIC CLOSE 🚨", "TRIGGERING A PANIC CLOSE"],
    ["Event ID: 550e8400-e29b-41d4-a716-446655440000", "Event ID: 6e1aa1a5"],
    ["Found 2 open positions", "Found 3 open positions"],
    ["Closing BTCUSDT: SELL 0.002 (reduce-only)", "Closing BTCUSDT: SELL 0.003 (reduce-only)"],
    ["Closed: 2/2", "Closed: 1/2"],
    ["🔒 PANIC CLOSE COMPLETE - SYSTEM HALTED 🔒", "PANIC CLOSE INCOMPLETE - SYSTEM HALTED"],
    ["Listening for panic_close events...", "Listening for panic_close events"],
  ])("%s is not shown as %s", (printed, found) => expect(matches(printed, found)).toBe(false));
});

describe("a log", () => {
  const PREFIX = "Nov 29 00:52:16 vm quantum[585]: ";
  const log = (...lines: readonly string[]): string => lines.map((line) => PREFIX + line).join("\n");

  test("shows the lines in their order, whatever is between them", () => {
    expect(missingFromLog(["one", "two"], log("one", "other", "two"))).toEqual([]);
    expect(missingFromLog(["one", "two"], log("two", "one"))).toEqual(["the log does not show, or not there: two"]);
    expect(missingFromLog(["one"], log("one more"))).toHaveLength(1);
  });

  test("may go from one symbol to the other and back", () => {
    const printed = ["Closing BTCUSDT", "BTCUSDT closed", "Closing ETHUSDT", "ETHUSDT closed", "Closed: 2/2"];
    const atOnce = ["Closing ETHUSDT", "Closing BTCUSDT", "ETHUSDT closed", "BTCUSDT closed", "Closed: 2/2"];
    expect(missingFromLog(printed, log(...atOnce))).toEqual([]);
    const tooSoon = ["Closed: 2/2", ...atOnce.slice(0, 4)];
    expect(missingFromLog(printed, log(...tooSoon))).toHaveLength(1);
    const backwards = ["BTCUSDT closed", "Closing BTCUSDT", "Closing ETHUSDT", "ETHUSDT closed", "Closed: 2/2"];
    expect(missingFromLog(printed, log(...backwards))).toHaveLength(1);
  });
});

describe("an answer of redis-cli", () => {
  const REPLY = [
    '1) 1) "1795913531777-0"',
    '   2)  1) "status"',
    '       2) "ALIVE"',
    '       3) "seq"',
    '       4) "5"',
  ];
  const printed = ['1) 1) "1707840123456-0"', '   2) 1) "status" 2) "ALIVE"'];

  test("shows what the runbook shows, broken into other lines, and more", () => {
    expect(missingFromReply(printed, REPLY.join("\n"))).toEqual([]);
  });

  test("does not show another value, another name, or less", () => {
    const shown = (from: string, to: string): number =>
      missingFromReply(printed, REPLY.join("\n").replace(from, to)).length;
    expect(shown("ALIVE", "DEGRADED")).toBe(1);
    expect(shown('"status"', '"state"')).toBe(1);
    expect(missingFromReply(printed, "(empty array)")).toHaveLength(8);
  });

  test("shows a whole id where the runbook cuts one short", () => {
    expect(missingFromReply(['"550e8400..."'], '"6e1aa1a5-8b8a-5d0f-bf38-58e2b4d4785a"')).toEqual([]);
    expect(missingFromReply(['"550e8400..."'], '"6e1aa1a5"')).toHaveLength(1);
  });

  test("shows a hash's fields in any order", () => {
    const reply = '1) "reason"\n2) "EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)"\n3) "halted"\n4) "true"';
    expect(missingFromHash(["halted: true", "reason: EXIT_BRAIN_HEARTBEAT_MISSING_..."], reply)).toEqual([]);
    expect(missingFromHash(["halted: false"], reply)).toEqual(["halted is true where the runbook shows false"]);
    expect(missingFromHash(["source: watchdog"], reply)).toEqual([
      "source is nothing where the runbook shows watchdog",
    ]);
  });
});
