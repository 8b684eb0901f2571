import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/adapters/host/port.ts";
import { lockState } from "../../src/adapters/host/state-lock.ts";
import { runCli } from "../../src/cli/cli.ts";
import type { Io } from "../../src/cli/io.ts";
import type { Env } from "../../src/config/env.ts";
import { ROOT } from "../support/run.ts";
import { cli, type Ran, type Surroundings } from "./fake-io.ts";

const SECRET = "api-secret-s3cret";
const STATE = mkdtempSync(join(tmpdir(), "quantum-refusals-"));
afterAll(() => rmSync(STATE, { recursive: true, force: true }));
const VENUE: Env = {
  STATE_DIRECTORY: STATE,
  BINANCE_TESTNET: "true",
  BINANCE_API_KEY: "api-key-k3y",
  BINANCE_API_SECRET: SECRET,
  BINANCE_BASE_URL: "http://127.0.0.1:1",
};

/** Commands that read the venue. */
const VENUE_COMMANDS = ["brain", "eew", "chaos", "reset", "doctor"] as const;

/** No Redis listens here. */
let deadUrl: string;
let deadAddress: string;

beforeAll(async () => {
  deadAddress = `127.0.0.1:${await freePort()}`;
  deadUrl = `redis://user:hunter2@${deadAddress}`;
});

/** The one line of a command that is refused: no stack trace, no secret, nothing on stdout. */
async function line(argv: readonly string[], code: 1 | 2, surroundings: Surroundings = {}): Promise<string> {
  const ran = await cli(argv, surroundings);
  expect(ran).toMatchObject({ code, out: [] });
  expect(ran.err).toHaveLength(1);
  const text = ran.err.join("\n");
  expect(text).toStartWith("quantum: ");
  expect(text).not.toContain("    at ");
  for (const secret of ["hunter2", SECRET, "k3y"]) expect(text).not.toContain(secret);
  return text;
}

describe("bad usage is one line and exit 2", () => {
  test.each([
    ["no command", [], "No command was given: expected one of those in quantum --help"],
    ["an unknown command", ["xyzzy"], "Unknown argument: xyzzy"],
    ["a misspelt command", ["brian"], "Did you mean brain"],
    ["another misspelt command", ["watchdgo"], "Did you mean watchdog"],
    ["an argument too many", ["status", "now"], "Unknown argument: now"],
    ["a misspelt flag", ["status", "--jsno"], "Unknown argument: jsno"],
    ["a flag of another command", ["status", "--wait-ms", "0"], "Unknown argument"],
    ["a flag in camel case", ["status", "--redisUrl", "redis://127.0.0.1"], "Unknown argument: redisUrl"],
    ["a flag with a dot", ["status", "--redis-url.x", "redis://127.0.0.1"], "Unknown argument: redis-url.x"],
    ["a negated flag", ["status", "--no-json"], "Unknown argument: no-json"],
    ["an unknown short flag", ["status", "-x"], "Unknown argument: x"],
    [
      "a limit that is no number",
      ["watchdog", "--heartbeat-missing-ms", "abc"],
      '--heartbeat-missing-ms is "abc": expected a whole number from 500 to 60000',
    ],
    [
      "a limit with a minus",
      ["watchdog", "--degraded-ms", "-5000"],
      '--degraded-ms is "-5000": expected a whole number from 1000 to 60000',
    ],
    [
      "a limit without a value",
      ["watchdog", "--heartbeat-missing-ms"],
      '--heartbeat-missing-ms is "": expected a whole number from 500 to 60000',
    ],
    [
      "a limit with positions that is longer than the one without",
      ["watchdog", "--unguarded-ms", "4000", "--heartbeat-missing-ms", "3000"],
      '--unguarded-ms is "4000": expected a whole number from 500 to 3000',
    ],
    ["decisions that may be stale for ever", ["watchdog", "--decisions-stale-ms", "600001"], "from 1000 to 600000"],
    ["no instance at all", ["watchdog", "--crash-loop-instances", "0"], "expected a whole number from 1 to 100"],
    ["a loop in no time", ["watchdog", "--crash-loop-ms", "999"], "expected a whole number from 1000 to 600000"],
    ["a brain required at once", ["watchdog", "--require-brain-ms", "0"], '--require-brain-ms is "0": expected'],
    ["a limit of nothing", ["watchdog", "--degraded-ms="], '--degraded-ms is "": expected a whole number'],
    ["a time in hex", ["panic", "--wait-ms", "0x10"], '--wait-ms is "0x10": expected a whole number from 0 to 600000'],
    ["an age that is too short", ["eew", "--event-max-age-ms", "59999"], '--event-max-age-ms is "59999": expected'],
    ["a port that does not exist", ["exchange", "--port", "65536"], '--port is "65536": expected a whole number'],
    [
      "a flag given twice",
      ["status", "--redis-url", "redis://127.0.0.1:1", "--redis-url", "redis://127.0.0.1:2"],
      "--redis-url is given more than once: expected it once",
    ],
    [
      "a limit given twice",
      ["watchdog", "--degraded-ms", "5000", "--degraded-ms", "6000"],
      "--degraded-ms is given more than once: expected it once",
    ],
    ["a method that does not exist", ["chaos", "--method", "sigfoo"], 'Argument: method, Given: "sigfoo", Choices: '],
    ["a drill that does not exist", ["chaos", "brian-kill"], 'Argument: drill, Given: "brian-kill", Choices: '],
    ["a role that can't be left out", ["chaos", "--sandbox", "--without", "brain"], 'Given: "brain", Choices: '],
    ["--brain on a live deployment", ["chaos", "--brain", "guard"], "--brain is of the sandbox"],
    ["--strike on a live deployment", ["chaos", "--strike", "bot"], "--strike is of the sandbox"],
    ["--strike without a guard", ["chaos", "--sandbox", "--strike", "bot"], "expected --brain guard with it"],
    ["a brain that does not exist", ["chaos", "--sandbox", "--brain", "big"], 'Given: "big", Choices: '],
    ["--without on a live deployment", ["chaos", "--without", "eew"], "expected --sandbox with it"],
    ["an empty reason", ["panic", "--reason="], "--reason is empty"],
    ["a reason of two lines", ["panic", "--reason", "a\nb"], "--reason is empty, too long or has control characters"],
    ["a reason of 201 characters", ["panic", "--reason", "x".repeat(201)], "expected 1 to 200 characters"],
    ["a namespace with a colon", ["status", "--namespace", "a:b"], 'QUANTUM_NAMESPACE (--namespace) is "a:b"'],
    ["a Redis URL of another kind", ["gate", "--redis-url", "http://:hunter2@x"], "REDIS_URL (--redis-url) is not"],
    ["an empty Redis URL", ["gate", "--redis-url="], "REDIS_URL (--redis-url) is not a Redis URL"],
    ["a position without an amount", ["exchange", "--position", "BTCUSDT"], "--position BTCUSDT: "],
    ["a position of an unknown symbol", ["exchange", "--position", "XYZ=1"], "--position XYZ=1: "],
    ["a position that is no number", ["exchange", "--position", "BTCUSDT=lots"], "--position BTCUSDT=lots: "],
    ["no contracts", ["exchange", "--symbols", "0"], '--symbols is "0": expected a whole number from 1 to 2000'],
    ["a seed that is no number", ["exchange", "--faults-seed", "x"], '--faults-seed is "x": expected a whole number'],
    ["no orders at all", ["exchange", "--orders-per-10s", "0"], '--orders-per-10s is "0": expected a whole number'],
    ["a limit that is a word", ["exchange", "--weight-per-minute", "all"], '--weight-per-minute is "all": expected'],
    ["a script that is not there", ["exchange", "--faults", "no.json"], "expected a file with a fault script in JSON"],
    ["a script that is no JSON", ["exchange", "--faults", import.meta.path], "expected a file with a fault script"],
    [
      "a script that is none",
      ["exchange", "--faults", join(ROOT, "package.json")],
      "The script has name, version, description",
    ],
    [
      "a check of nothing",
      ["brain", "--check-policy"],
      "--check-policy is about an exit policy: expected --policy FILE with it",
    ],
    ["a check of no name", ["brain", "--check-policy", "--policy="], "--policy:  can't be read (ENOENT), expected"],
    [
      "shadow without a policy",
      ["brain", "--shadow"],
      "--shadow is about an exit policy: expected --policy FILE with it",
    ],
    [
      "streams without a policy",
      ["brain", "--stream-url", "ws://127.0.0.1:1"],
      "--stream-url is about an exit policy: expected --policy FILE with it",
    ],
    [
      "a direct line for a brain that raises nothing",
      ["brain", "--direct-socket", "eew.sock"],
      "--direct-socket is about an exit policy: expected --policy FILE with it",
    ],
    [
      "both ways of standing",
      ["brain", "--policy", "a", "--shadow", "--auto-live"],
      "--shadow never acts and --auto-live",
    ],
    ["a document of nothing", ["brain", "--json"], "--json shows a policy: expected --check-policy with it"],
    ["two policies", ["brain", "--policy", "a", "--policy", "b"], "--policy is given more than once"],
    ["a socket without a direct call", ["panic", "--socket", "x"], "--socket is for a direct call: expected --direct"],
    ["a URL without a direct call", ["panic", "--url", "http://x"], "--url is for a direct call: expected --direct"],
    ["two ways", ["panic", "--direct", "--socket", "x", "--url", "http://x"], "expected one of them"],
    [
      "a call that can't be signed",
      ["panic", "--direct", "--url", "http://x"],
      "QUANTUM_TRIGGER_SECRET is not: expected",
    ],
    [
      "a watchdog's call that can't be signed",
      ["watchdog", "--direct-url", "http://x"],
      "QUANTUM_TRIGGER_SECRET is not",
    ],
    [
      "a door for everybody",
      ["eew", "--direct-http", "127.0.0.1:1"],
      "QUANTUM_TRIGGER_SECRET is not: expected the secret",
    ],
    ["a door without a port", ["eew", "--direct-http", "127.0.0.1"], 'is "127.0.0.1": expected HOST:PORT'],
    [
      "words behind -- that nobody wants",
      ["gate", "--", "x"],
      "-- would hide what comes after it: expected flags only",
    ],
    ["words behind a brain", ["brain", "--", "x"], "-- would hide what comes after it: expected flags only"],
    ["a misspelt command of the brain", ["brain", "gaurd"], "Did you mean guard"],
    ["a guard without a bot", ["brain", "guard"], "No bot was given: expected its command line behind --"],
    ["a guard without a bot behind --", ["brain", "guard", "--"], "No bot was given: expected its command line"],
    ["a bot before --", ["brain", "guard", "sh"], "Unknown argument: sh"],
    ["a bot that is no program", ["brain", "guard", "--", "no-such-bot"], "no-such-bot is no program that can be"],
    ["a bot that is a folder", ["brain", "guard", "--", "/bin"], "/bin is no program that can be started: expected"],
    [
      "a flag of the brain that is none of the guard",
      ["brain", "guard", "--shadow", "--", "/bin/sh"],
      "Unknown argument",
    ],
    ["a misspelt flag of the guard", ["brain", "guard", "--probe", "x", "--", "/bin/sh"], "Unknown argument: probe"],
    [
      "a file without an age",
      ["brain", "guard", "--probe-file", "x", "--", "/bin/sh"],
      "--probe-file needs to know how old it may be: expected --max-age-ms N with it",
    ],
    [
      "an age without a file",
      ["brain", "guard", "--max-age-ms", "3000", "--", "/bin/sh"],
      "--max-age-ms is of a file: expected --probe-file PATH with it",
    ],
    [
      "a file of no name",
      ["brain", "guard", "--probe-file=", "--max-age-ms", "3000", "--", "/bin/sh"],
      "--probe-file is empty: expected the path of a file",
    ],
    ["an empty probe", ["brain", "guard", "--probe-cmd", " ", "--", "/bin/sh"], "--probe-cmd is empty: expected a"],
    [
      "a probe that is no URL",
      ["brain", "guard", "--probe-http", "localhost:8080", "--", "/bin/sh"],
      '--probe-http is "localhost:8080": expected a URL such as http://127.0.0.1:8080',
    ],
    [
      "a probe with a password",
      ["brain", "guard", "--probe-http", "http://u:hunter2@h/", "--", "/bin/sh"],
      "--probe-http holds a user or a password: expected a URL that needs none",
    ],
    [
      "a probe that may take longer than a cycle",
      ["brain", "guard", "--probe-timeout-ms", "2001", "--", "/bin/sh"],
      '--probe-timeout-ms is "2001": expected a whole number from 50 to 2000',
    ],
    ["an end without an end", ["brain", "guard", "--kill-after-ms", "10001", "--", "/bin/sh"], "from 0 to 10000"],
    ["a start without an end", ["brain", "guard", "--start-up-ms", "600001", "--", "/bin/sh"], "from 1000 to 600000"],
    [
      "a guard's call that can't be signed",
      ["brain", "guard", "--trip-on-exit", "--direct-url", "http://x", "--", "/bin/sh"],
      "QUANTUM_TRIGGER_SECRET is not",
    ],
    [
      "a guard's call for a panic that it never raises",
      ["brain", "guard", "--direct-socket", "eew.sock", "--", "/bin/sh"],
      "--direct-socket is for the panic that the guard raises itself: expected --trip-on-exit with it",
    ],
    [
      "a time of probes that there are none of",
      ["brain", "guard", "--start-up-ms", "5000", "--", "/bin/sh"],
      "--start-up-ms is about probes: expected --probe-http, --probe-file or --probe-cmd with it",
    ],
    ["a certificate without HTTPS", ["exchange", "--ca-file", "x.pem"], "expected --https with it"],
  ] as const)("%s", async (_what, argv, expected) => {
    expect(await line(argv, 2, { env: { ...VENUE, REDIS_URL: deadUrl } })).toContain(expected);
  });
});

describe("what stands behind -- is the bot's, and no flag of ours", () => {
  test.each([
    ["flags of ours with values that are wrong", ["--json=yes", "--max-age-ms", "x", "--redis-url", "y"]],
    ["flags that nobody knows", ["--no-such", "-x", "--help", "--version"]],
    ["another --", ["-c", "exit 0", "--", "--trip-on-exit=maybe"]],
  ] as const)("%s", async (_what, words) => {
    // It gets as far as Redis, and no bot was started before.
    const text = await line(["brain", "guard", "--", "/bin/sh", ...words], 2, {
      env: { ...VENUE, REDIS_URL: deadUrl },
    });
    expect(text).toContain(`Redis at ${deadAddress} can't be used`);
  });

  test("the unit of the examples is understood: all that it lacks here is the bot", async () => {
    const dropIn = readFileSync(join(ROOT, "examples", "guard.conf"), "utf8");
    const [, words = ""] = /^ExecStart=\/usr\/local\/bin\/quantum (.+)$/m.exec(dropIn) ?? [];
    const text = await line(words.split(" "), 2, { env: { ...VENUE, REDIS_URL: deadUrl } });
    expect(text).toContain("/opt/freqtrade/.venv/bin/freqtrade is no program that can be started");
  });

  test("a switch of the guard with a value that is neither true nor false is still refused", async () => {
    const argv = ["brain", "guard", "--trip-on-exit=maybe", "--", "/bin/sh"];
    expect(await line(argv, 2, { env: { ...VENUE, REDIS_URL: deadUrl } })).toContain('--trip-on-exit is "maybe"');
  });

  test("a guard that is not told which venue refuses, as a brain does", async () => {
    const env = { ...VENUE, BINANCE_TESTNET: undefined, REDIS_URL: deadUrl };
    expect(await line(["brain", "guard", "--", "/bin/sh"], 2, { env })).toContain("BINANCE_TESTNET");
  });
});

describe("a switch with a value that is neither true nor false", () => {
  test.each([
    ["status", "--json=yes"],
    ["chaos", "--sandbox=1"],
    ["chaos", "--sandbox=ture"],
  ])("is refused by name: %s %s", async (command, flag) => {
    const text = await line([command, flag], 2, { env: { ...VENUE, REDIS_URL: deadUrl } });
    expect(text).toContain(flag.slice(0, flag.indexOf("=")));
  });
});

describe("bad configuration is one line and exit 2", () => {
  test.each(VENUE_COMMANDS)("%s refuses to guess the venue", async (command) => {
    expect(await line([command], 2, { env: { ...VENUE, BINANCE_TESTNET: undefined } })).toBe(
      "quantum: BINANCE_TESTNET is not set: expected true (testnet) or false (real money)",
    );
  });

  test.each(VENUE_COMMANDS)("%s refuses without a key", async (command) => {
    const env = { ...VENUE, BINANCE_API_SECRET: "" };
    expect(await line([command], 2, { env })).toStartWith("quantum: BINANCE_API_SECRET is not set: expected it, or ");
  });

  test.each(VENUE_COMMANDS)("%s refuses the real venue where the testnet is meant", async (command) => {
    const env = { ...VENUE, BINANCE_BASE_URL: "https://fapi.binance.com" };
    expect(await line([command], 2, { env })).toContain("the real venue, but BINANCE_TESTNET is true");
  });

  test("streams of the real venue where the testnet is meant are refused by whoever uses them, and by the check-up", async () => {
    const expected = "BINANCE_STREAM_URL is wss://fstream.binance.com, the real venue, but BINANCE_TESTNET is true";
    const real = "wss://fstream.binance.com";
    const env = { ...VENUE, REDIS_URL: deadUrl, BINANCE_STREAM_URL: real };
    expect(await line(["brain"], 2, { env })).toContain(expected);
    const byFlag = ["brain", "--policy", join(ROOT, "examples", "exits.yaml"), "--stream-url", real];
    expect(await line(byFlag, 2, { env: { ...VENUE, REDIS_URL: deadUrl } })).toContain(expected);
    expect(await line(["doctor"], 2, { env })).toContain(expected);
  });

  test.each([
    ["LOG_LEVEL", "loud", 'LOG_LEVEL is "loud": expected debug, info, warn, critical'],
    ["LOG_FORMAT", "xml", 'LOG_FORMAT is "xml": expected text, json'],
  ] as const)("a bad %s is refused by every role", async (name, value, message) => {
    const env = { ...VENUE, REDIS_URL: deadUrl, [name]: value };
    for (const role of ["brain", "watchdog", "eew"]) expect(await line([role], 2, { env })).toBe(`quantum: ${message}`);
  });

  test.each(["brain", "watchdog", "eew", "doctor"])(
    "a bad ALERT_WEBHOOK_URL is refused by %s, unread",
    async (role) => {
      const env = { ...VENUE, REDIS_URL: deadUrl, ALERT_WEBHOOK_URL: "http://hooks.example/hunter2" };
      expect(await line([role], 2, { env })).toBe(
        "quantum: ALERT_WEBHOOK_URL is plain http: accepted on loopback only, expected https",
      );
    },
  );

  test("a drill on real money is refused, confirmed or not", async () => {
    const env = { ...VENUE, BINANCE_TESTNET: "false", BINANCE_BASE_URL: undefined };
    const expected = "BINANCE_TESTNET is false: a drill closes every position, expected true (testnet), or --sandbox";
    expect(await line(["chaos"], 2, { env, answer: "yes" })).toBe(`quantum: ${expected}`);
    expect(await line(["chaos", "--yes"], 2, { env })).toBe(`quantum: ${expected}`);
  });
});

describe("a Redis that can't be reached", () => {
  test.each(["brain", "panic", "reset", "chaos --yes"])(
    "refuses quantum %s, with the address and without the password",
    async (words) => {
      const text = await line(words.split(" "), 2, { env: { ...VENUE, REDIS_URL: deadUrl } });
      expect(text).toStartWith(`quantum: Redis at ${deadAddress} can't be used (ping: `);
      expect(text).toContain("ECONNREFUSED");
      expect(text).toEndWith("expected a running Redis, set REDIS_URL or --redis-url");
    },
  );

  test("makes quantum status say no", async () => {
    const text = await line(["status"], 1, { env: { REDIS_URL: deadUrl } });
    expect(text).toContain(`The state can't be read: Redis at ${deadAddress} can't be used (`);
    expect(await line(["status", "--json"], 1, { env: { REDIS_URL: deadUrl } })).toBe(text);
  });

  test("makes quantum gate say no, as its answer", async () => {
    const text: Ran = await cli(["gate"], { env: { REDIS_URL: deadUrl } });
    expect(text).toMatchObject({ code: 1, err: [] });
    expect(text.out.join("\n")).toMatch(/^Trading is halted: unreadable counts as halted, .*ECONNREFUSED/);
    expect(text.out.join("\n")).not.toContain("hunter2");
    const json = await cli(["gate", "--json"], { env: { REDIS_URL: deadUrl } });
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out.join("\n"))).toMatchObject({ allowed: false });
  });
});

test("a defect in a command is said to be one, and told to whoever is to be told, before the end", async () => {
  const told: string[] = [];
  const err: string[] = [];
  const io: Io = {
    env: { REDIS_URL: deadUrl },
    terminal: false,
    journal: false,
    signal: new AbortController().signal,
    uptimeMs: () => -3_000,
    out: () => {
      throw new Error("the sky fell");
    },
    err: (text) => void err.push(text),
    ask: async () => null,
    lastWords: { tell: async (why) => void told.push(why) },
  };
  expect(await runCli(["gate"], io)).toBe(1);
  expect(err).toEqual(["quantum: the sky fell", "quantum: this is a defect in quantum, please report it"]);
  expect(told).toEqual(["the sky fell"]);
});

test("a brain with a policy has its memory for itself: a second one there is refused, whatever account it is for", async () => {
  const lock = await lockState(STATE, "brain");
  if (!lock.known || lock.value.kind !== "held") throw new Error("The state directory is not ours");
  using _held = lock.value;
  const env = { ...VENUE, REDIS_URL: deadUrl, QUANTUM_NAMESPACE: "another" };
  const argv = ["brain", "--policy", join(ROOT, "examples", "exits.yaml")];
  const who = `Another quantum brain uses the state directory ${STATE} (process ${process.pid})`;
  expect(await line(argv, 2, { env })).toContain(`${who}: stop that one, or set another STATE_DIRECTORY`);
  // Without a policy it remembers nothing, and gets as far as Redis.
  expect(await line(["brain"], 2, { env })).toContain(`Redis at ${deadAddress} can't be used`);
});
