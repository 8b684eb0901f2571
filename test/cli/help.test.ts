import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cli } from "./fake-io.ts";

/** Written with `bun src/main.ts --help > test/cli/golden/help.txt`, and read before it is committed. */
const HELP = readFileSync(join(import.meta.dir, "golden", "help.txt"), "utf8")
  .trimEnd()
  .split("\n");

test.each([["--help"], ["-h"]])("quantum %s prints the help, letter for letter", async (flag) => {
  expect(await cli([flag])).toEqual({ code: 0, out: HELP, err: [] });
});

describe("quantum COMMAND --help exits 0 and names the command's flags", () => {
  const redis = ["--redis-url", "--namespace"];
  test.each([
    ["brain", [...redis, "--base-url", "--policy", "--check-policy", "--json"]],
    ["watchdog", [...redis, "--heartbeat-missing-ms", "--unguarded-ms", "--degraded-ms", "--decisions-stale-ms"]],
    ["watchdog", ["--crash-loop-instances", "--crash-loop-ms", "--require-brain-ms"]],
    ["eew", [...redis, "--base-url", "--event-max-age-ms"]],
    ["chaos", [...redis, "--base-url", "--sandbox", "--method", "--without", "--yes", "--json"]],
    ["exchange", ["--port", "--https", "--ca-file", "--latency-ms", "--hedge", "--position", "--json"]],
    ["exchange", ["--symbols", "--portfolio-margin", "--leverage", "--balance", "--faults", "--faults-seed"]],
    ["exchange", ["--orders-per-10s", "--orders-per-minute", "--weight-per-minute"]],
    ["status", [...redis, "--json"]],
    ["panic", [...redis, "--reason", "--wait-ms", "--json"]],
    ["gate", [...redis, "--json"]],
    ["reset", [...redis, "--base-url", "--json"]],
    ["doctor", [...redis, "--base-url", "--json", "--alert", "--test-alert"]],
  ] as const)("%s", async (command, flags) => {
    const { code, out, err } = await cli([command, "--help"]);
    expect(code).toBe(0);
    expect(err).toEqual([]);
    const text = out.join("\n");
    expect(text).toStartWith(`quantum ${command}`);
    for (const flag of flags) expect(text).toMatch(new RegExp(`^ +(-., )?${flag}\\b`, "m"));
    expect(HELP.join("\n")).toContain(`\n  quantum ${command} `);
  });
});

test("quantum brain guard --help names its own flags, and quantum brain --help the guard", async () => {
  const { code, out } = await cli(["brain", "guard", "--help"]);
  expect(code).toBe(0);
  const text = out.join("\n");
  expect(text).toStartWith("quantum brain guard");
  const probes = ["--probe-http", "--probe-file", "--max-age-ms", "--probe-cmd", "--probe-timeout-ms", "--start-up-ms"];
  const others = ["--redis-url", "--namespace", "--base-url", "--kill-after-ms", "--trip-on-exit", "--direct-url"];
  for (const flag of [...probes, ...others]) expect(text).toMatch(new RegExp(`^ +${flag}\\b`, "m"));
  expect((await cli(["brain", "--help"])).out.join("\n")).toMatch(/quantum brain guard +run a bot of your own/);
});

test("quantum brain replay --help names its flags, and none of the brain's own", async () => {
  const { code, out, err } = await cli(["brain", "replay", "--help"]);
  expect({ code, err }).toEqual({ code: 0, err: [] });
  const flags = out.flatMap((line) => /^ {6}--([a-z-]+) /.exec(line)?.[1] ?? []);
  const own = ["policy", "candles", "entry", "entry-time", "symbol", "side", "size", "leverage", "liquidation-price"];
  expect(flags).toEqual([...own, "json"]);
  expect((await cli(["brain", "--help"])).out.join("\n")).toContain("quantum brain replay ");
});

test.each([["--version"], ["-v"]])("quantum %s prints the version, and nothing else", async (flag) => {
  const { code, out, err } = await cli([flag]);
  expect({ code, err, lines: out.length }).toEqual({ code: 0, err: [], lines: 1 });
  expect(out[0]).toMatch(/^\d+\.\d+\.\d+ \(\w+\)$/);
});

test("quantum completion prints a script for the shell", async () => {
  const { code, out, err } = await cli(["completion"]);
  expect({ code, err }).toEqual({ code: 0, err: [] });
  expect(out.join("\n")).toContain("complete ");
  expect(out.join("\n")).toContain("quantum");
});
