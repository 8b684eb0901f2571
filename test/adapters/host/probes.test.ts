import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostClock } from "../../../src/adapters/host/clock.ts";
import { isProgram } from "../../../src/adapters/host/find-program.ts";
import { commandProbe } from "../../../src/adapters/host/probe-command.ts";
import { fileProbe } from "../../../src/adapters/host/probe-file.ts";
import { httpProbe } from "../../../src/adapters/host/probe-http.ts";
import { withinDeadline } from "../../../src/adapters/host/within-deadline.ts";
import { known } from "../../../src/core/reading.ts";
import type { Instant, UnixMillis } from "../../../src/core/time.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import { eventually } from "../../support/eventually.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-test-probe-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const PASSES = known(null);

describe("a URL", () => {
  type Answer = () => Response | Promise<Response>;
  let answer: Answer;
  let server: ReturnType<typeof Bun.serve>;
  beforeEach(() => {
    server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => answer() });
  });
  afterEach(() => server.stop(true));
  const probe = (deadlineMs = 5_000) =>
    httpProbe({ url: new URL(`http://127.0.0.1:${server.port}/ping?token=s3cret`), deadlineMs, clock: hostClock });

  test.each([
    [200, true],
    [204, true],
    [302, false],
    [404, false],
    [503, false],
  ])("answered with %d passes: %p", async (status, passes) => {
    answer = () => new Response(null, { status, headers: { location: "/elsewhere" } });
    const one = probe();
    const said = await one.check();
    await one.close();
    expect(said.known).toBe(passes);
    if (!said.known) expect(said.why).toBe(`http://127.0.0.1:${server.port}/ping: HTTP ${status}`);
  });

  test.each([
    ["is not answered", () => new Promise<Response>(() => undefined)],
    [
      "is answered byte by byte",
      () =>
        new Response(
          new ReadableStream({
            pull: async (stream) => {
              await Bun.sleep(50);
              stream.enqueue(new Uint8Array([120]));
            },
          }),
        ),
    ],
  ] as const)("that %s fails at its deadline, and the next question is a new one", async (_how, hangs) => {
    answer = hangs;
    const one = probe(300);
    const began = performance.now();
    expect(await one.check()).toMatchObject({ known: false, why: expect.stringContaining("no answer within 300 ms") });
    expect(performance.now() - began).toBeLessThan(1_000);
    answer = () => new Response("pong");
    expect(await one.check()).toEqual(PASSES);
    await one.close();
  });

  test("where nobody listens fails, without the query in its words", async () => {
    const one = probe();
    await server.stop(true);
    const said = await one.check();
    await one.close();
    expect(said).toMatchObject({ known: false, why: expect.stringContaining("ECONNREFUSED") });
    expect(JSON.stringify(said)).not.toContain("s3cret");
  });
});

describe("a file", () => {
  /** Two clocks that a test sets. */
  let now: number;
  let wall: number;
  let path: string;
  const clock: Clock = {
    ...hostClock,
    now: () => now as Instant,
    wall: () => wall as UnixMillis,
  };
  beforeEach(() => {
    [now, wall] = [1_000_000, 1_795_000_000_000];
    path = join(directory, "alive");
  });
  const probe = () => fileProbe({ path, maxAgeMs: 2_000, deadlineMs: 1_000, clock });
  /** One that has looked once, and found whatever was there before. */
  const begun = async () => {
    const one = probe();
    await one.check();
    return one;
  };
  const write = (agoMs = 0): void => {
    writeFileSync(path, "x");
    utimesSync(path, new Date(), new Date(wall - agoMs));
  };
  const pass = (ms: number): void => {
    now += ms;
    wall += ms;
  };

  test("that is not there fails", async () => {
    expect(await probe().check()).toMatchObject({ known: false, why: expect.stringContaining(path) });
  });

  test.each([0, 1_000, -60_000])("that is left from before, written %d ms ago, proves nothing", async (agoMs) => {
    write(agoMs);
    const one = await begun();
    pass(100);
    const why = `${path} was not written since this guard has begun`;
    expect(await one.check()).toEqual({ known: false, why });
    pass(100);
    write();
    expect(await one.check()).toEqual(PASSES);
    pass(2_001);
    expect((await one.check()).known).toBe(false);
  });

  test.each([
    [0, true],
    [2_000, true],
    [2_001, false],
    [-60_000, true],
  ])("that is there since, written %d ms ago, passes: %p", async (agoMs, passes) => {
    const one = await begun();
    pass(3_000);
    write(agoMs);
    expect((await one.check()).known).toBe(passes);
  });

  test("that stays as it is passes for as long as it may, and not a moment more", async () => {
    const one = await begun();
    write();
    expect(await one.check()).toEqual(PASSES);
    pass(2_000);
    expect(await one.check()).toEqual(PASSES);
    pass(1);
    expect(await one.check()).toMatchObject({ known: false, why: `${path} was not written for 2.1s > 2.0s` });
    write();
    expect(await one.check()).toEqual(PASSES);
  });

  test("a wall clock that is set back an hour does not make it look new, one set forward not old", async () => {
    const one = await begun();
    write();
    await one.check();
    now += 1_000;
    wall += 3_600_000;
    expect(await one.check()).toEqual(PASSES);
    now += 1_001;
    wall -= 7_200_000;
    expect((await one.check()).known).toBe(false);
  });

  test("that gets the time of an older one has changed since the last look all the same", async () => {
    const one = await begun();
    write();
    await one.check();
    pass(1_000);
    write(3_600_000);
    expect(await one.check()).toEqual(PASSES);
    pass(1_001);
    expect((await one.check()).known).toBe(false);
  });

  test("that is replaced by another of the same time has changed", async () => {
    const one = await begun();
    write();
    await one.check();
    const time = new Date(wall);
    pass(2_500);
    writeFileSync(`${path}.new`, "x");
    utimesSync(`${path}.new`, time, time);
    renameSync(`${path}.new`, path);
    // By its own time it is 2500 ms old; but it can't have been there at the last look.
    expect((await one.check()).known).toBe(false);
    pass(100);
    write();
    expect(await one.check()).toEqual(PASSES);
  });

  test("what is not answered in time is not waited for", async () => {
    const never = new Promise<never>(() => undefined);
    expect(await withinDeadline(hostClock, 20, () => never, "too late")).toEqual({ known: false, why: "too late" });
  });
});

describe("a command", () => {
  const probe = (command: string, deadlineMs = 5_000) =>
    commandProbe({
      command,
      env: { PATH: process.env["PATH"] ?? "", PLACE: directory },
      deadlineMs,
      clock: hostClock,
    });

  test.each([
    ["true", null],
    ['test -d "$PLACE"', null],
    ["exit 3", "the probe's command ended with exit code 3"],
    ["kill -9 $$", "the probe's command was killed by SIGKILL"],
    ["no-such-command-of-ours", "the probe's command ended with exit code 127"],
  ])("%s", async (command, why) => {
    expect(await probe(command).check()).toEqual(why === null ? PASSES : { known: false, why });
  });

  test("that hangs is killed at its deadline, with what it has started", async () => {
    const one = probe('sleep 1000 & echo $! > "$PLACE/pid"; wait # s3cret', 400);
    const began = performance.now();
    const said = await one.check();
    expect(performance.now() - began).toBeLessThan(1_500);
    expect(said).toEqual({ known: false, why: "the probe's command was not done within 400 ms, and was killed" });
    const pid = readFileSync(join(directory, "pid"), "utf8").trim();
    await eventually("it is gone", () => {
      try {
        return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
      } catch {
        return true;
      }
    });
  });
});

test.each([
  ["sh", true],
  ["/bin/sh", true],
  ["no-such-command-of-ours", false],
  ["/bin", false],
  ["/etc/passwd", false],
  ["", false],
])("%p can be started: %p", (name, can) => {
  expect(isProgram(name, process.env["PATH"] ?? "")).toBe(can);
});
