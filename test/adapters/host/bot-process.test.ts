/** Real processes: what a bot leaves running must not outlive it, nor the bot its guard. */

import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { botProcess } from "../../../src/adapters/host/bot-process.ts";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { ChildRun } from "../../../src/adapters/host/processes.ts";
import type { Running } from "../../../src/ports/bot.ts";
import { eventually } from "../../support/eventually.ts";
import { ROOT } from "../../support/run.ts";

setDefaultTimeout(30_000);

let directory: string;
let bots: Running[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-test-bot-"));
  bots = [];
});
afterEach(async () => {
  await Promise.all(bots.map((bot) => bot.end("SIGTERM", 0)));
  rmSync(directory, { recursive: true, force: true });
});

const env = () => ({ PATH: process.env["PATH"] ?? "", PLACE: directory });

async function start(script: string): Promise<Running> {
  const started = await botProcess({ file: "sh", args: ["-c", script], env: env(), clock: hostClock }).start();
  if (!started.known) throw new Error(started.why);
  bots.push(started.value);
  return started.value;
}

const written = (name: string): string => {
  try {
    return readFileSync(join(directory, name), "utf8").trim();
  } catch {
    return "";
  }
};
/** Runs, and is not a zombie. */
function lives(pid: string): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}
const appears = (name: string): Promise<void> => eventually(`${name} is written`, () => written(name) !== "");

describe("how a bot has ended", () => {
  test.each([
    ["exit 0", { code: 0, signal: null }],
    ["exit 7", { code: 7, signal: null }],
    ["kill -SEGV $$", { code: null, signal: "SIGSEGV" }],
  ] as const)("%s", async (script, end) => {
    expect(await (await start(script)).ended).toEqual(end);
  });

  test("one that is no program is not started, and nothing of it is left", async () => {
    const place = join(directory, "no-program");
    writeFileSync(place, "");
    const started = await botProcess({ file: place, args: [], env: env(), clock: hostClock }).start();
    expect(started).toMatchObject({ known: false, why: expect.stringContaining(place) });
  });
});

test("its words arrive as they were typed, and no shell reads them", async () => {
  const bot = botProcess({
    file: "sh",
    args: ["-c", 'printf "%s|" "$@" > "$PLACE/words"', "sh", "a b", "$HOME", "--", "*", ""],
    env: env(),
    clock: hostClock,
  });
  const started = await bot.start();
  if (!started.known) throw new Error(started.why);
  bots.push(started.value);
  await started.value.ended;
  expect(written("words")).toBe("a b|$HOME|--|*||");
});

test("a signal is handed on to the bot alone", async () => {
  const bot = await start(`
    trap 'echo hup > "$PLACE/own"' HUP
    (trap 'echo hup > "$PLACE/child"' HUP; echo > "$PLACE/there-too"; echo up > "$PLACE/child-up"; while :; do sleep 0.05; done) &
    echo up > "$PLACE/up"; while :; do sleep 0.05; done`);
  await appears("up");
  await appears("child-up");
  bot.signal("SIGHUP");
  await appears("own");
  expect(written("child")).toBe("");
});

/** A bot with a child, a grandchild that has lost its parent, one in a session of its own, and one that was given no environment. */
const FAMILY = `
  sleep 1000 & echo $! > "$PLACE/child"
  (sleep 1000 & echo $! > "$PLACE/orphan")
  env -i "$(command -v sleep)" 1000 & echo $! > "$PLACE/stripped"
  setsid sh -c 'echo $$ > "$PLACE/session"; exec sleep 1000' &`;
const MEMBERS = ["child", "orphan", "stripped", "session"] as const;
const family = async (): Promise<readonly string[]> => {
  await Promise.all(MEMBERS.map(appears));
  return MEMBERS.map(written);
};

describe("ending it takes everything along that it has started", () => {
  test("by the signal, where that is enough", async () => {
    const bot = await start(`${FAMILY} echo $$ > "$PLACE/own"; wait`);
    const pids = await family();
    await appears("own");
    expect(await bot.end("SIGTERM", 10_000)).toEqual([]);
    expect([...pids, written("own")].filter(lives)).toEqual([]);
    expect(await bot.ended).toMatchObject({ code: null, signal: "SIGTERM" });
  });

  test("also where the bot itself has ended before", async () => {
    const bot = await start(FAMILY);
    const pids = await family();
    await bot.ended;
    expect(await bot.end("SIGTERM", 10_000)).toEqual([]);
    expect(pids.filter(lives)).toEqual([]);
  });

  test.each([
    ["ignores it", "trap '' TERM INT", ":"],
    ["is stopped", ":", "kill -STOP $$"],
  ])("by force after so long, where it %s", async (_how, first, last) => {
    const bot = await start(`${first}; ${FAMILY} echo $$ > "$PLACE/own"; ${last}; while :; do sleep 0.1; done`);
    const pids = await family();
    await appears("own");
    if (last !== ":") {
      await eventually("it is stopped", () => / T /.test(readFileSync(`/proc/${written("own")}/stat`, "latin1")));
    }
    const began = performance.now();
    expect(await bot.end("SIGTERM", 300)).toEqual([]);
    const tookMs = performance.now() - began;
    expect(tookMs).toBeGreaterThan(290);
    expect(tookMs).toBeLessThan(2_000);
    expect([...pids, written("own")].filter(lives)).toEqual([]);
  });

  test("and each is told once: a second signal would cut an orderly end short", async () => {
    const bot = await start(`
      trap 'echo told >> "$PLACE/told"' INT
      echo up > "$PLACE/up"; while [ ! -e "$PLACE/stop" ]; do sleep 0.05; done; sleep 0.3`);
    await appears("up");
    const gone = bot.end("SIGINT", 10_000);
    await appears("told");
    writeFileSync(join(directory, "stop"), "");
    expect(await gone).toEqual([]);
    expect(written("told")).toBe("told");
  });
});

/** The process that ends the bot with its guard: a child of the guard, by its name. */
function keeperOf(guard: string): number {
  const about = (pid: string, what: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${what}`, "latin1");
    } catch {
      return "";
    }
  };
  const found = readdirSync("/proc").filter((pid) => {
    const isKeeper = about(pid, "cmdline").includes("quantum-guard-keeper");
    return isKeeper && /\) \S (\d+) /.exec(about(pid, "stat"))?.[1] === guard;
  });
  expect(found).toHaveLength(1);
  return Number(found[0]);
}

test("a bot whose guard is killed outright is ended all the same, with everything that it has started", async () => {
  const script = join(directory, "guard.ts");
  const source = join(ROOT, "src", "adapters", "host");
  const lasting = `trap '' TERM; ${FAMILY} echo $$ > "$PLACE/own"; while :; do sleep 0.1; done`;
  writeFileSync(
    script,
    `import { writeFileSync } from "node:fs";
     import { join } from "node:path";
     import { botProcess } from ${JSON.stringify(join(source, "bot-process.ts"))};
     import { hostClock } from ${JSON.stringify(join(source, "clock.ts"))};
     writeFileSync(join(process.env.PLACE, "guard"), String(process.pid));
     const started = await botProcess({
       file: "sh", args: ["-c", ${JSON.stringify(lasting)}], env: process.env, clock: hostClock,
     }).start();
     await started.value.ended;`,
  );
  const guard = new ChildRun({
    file: process.execPath,
    args: [script],
    env: env(),
    cwd: directory,
    logFile: join(directory, "guard.log"),
  });
  const pids = [...(await family())];
  await appears("own");
  pids.push(written("own"));
  expect(pids.filter(lives)).toHaveLength(5);
  // What systemd does to all of them, where it is told to stop a unit.
  process.kill(keeperOf(written("guard")), "SIGTERM");
  await guard.end();
  await eventually("nothing of the bot is left", () => !pids.some(lives));
});
