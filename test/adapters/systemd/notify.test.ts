import { beforeEach, describe, expect, test } from "bun:test";
import type { Datagrams } from "../../../src/adapters/systemd/datagram.ts";
import { type SystemdService, systemdService } from "../../../src/adapters/systemd/notify.ts";
import { known, unknown } from "../../../src/core/reading.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import { VirtualClock } from "../../../src/sim/clock.ts";

let clock: VirtualClock;
let sent: string[];
let warnings: string[];
/** Whether systemd takes what is sent. */
let takes: boolean;

beforeEach(() => {
  clock = new VirtualClock(1_795_000_000_000 as UnixMillis);
  [sent, warnings, takes] = [[], [], true];
});

function service(watchdog = true): SystemdService {
  const datagrams: Datagrams = {
    send: (datagram) => {
      if (takes) sent.push(datagram);
      return takes ? known(null) : unknown("/run/systemd/notify: its queue is full (EAGAIN)");
    },
  };
  const log = { write: (level: string, text: string) => void warnings.push(`${level}: ${text}`) };
  return systemdService({ datagrams, watchdog, clock, log });
}

const pass = (ms: number): Promise<unknown> => clock.runUntil(() => false, ms);

describe("systemd is told", () => {
  test("of a life, from the start to the end", async () => {
    const { ready, worked, status, stopping } = service();
    status("starting");
    ready();
    worked();
    await pass(1_000);
    status("listening");
    worked();
    stopping();
    expect(sent).toEqual(["STATUS=starting", "READY=1", "WATCHDOG=1", "STATUS=listening", "WATCHDOG=1", "STOPPING=1"]);
    expect(warnings).toEqual([]);
  });

  test("once that the role is ready, however often it listens", () => {
    const { ready } = service();
    ready();
    ready();
    expect(sent).toEqual(["READY=1"]);
  });

  test("of a status when it changes", () => {
    const { status } = service();
    for (const text of ["armed", "armed", "tripped", "armed"]) status(text);
    expect(sent).toEqual(["STATUS=armed", "STATUS=tripped", "STATUS=armed"]);
  });

  test("of a status in one line, which is no other message", () => {
    service().status("Redis can't be used: a\r\nWATCHDOG=1\nb");
    expect(sent).toEqual(["STATUS=Redis can't be used: a WATCHDOG=1 b"]);
  });

  test("of the beginning of a long status", () => {
    service().status("x".repeat(1_000));
    expect(sent).toEqual([`STATUS=${"x".repeat(300)}`]);
  });

  test("ten times a second at most that the role works", async () => {
    const { worked } = service();
    for (let ms = 0; ms < 1_000; ms++) {
      worked();
      await pass(1);
    }
    expect(sent).toHaveLength(10);
  });

  test("not that it works, where systemd does not watch this process", () => {
    const { ready, worked } = service(false);
    worked();
    ready();
    expect(sent).toEqual(["READY=1"]);
  });
});

describe("what is not taken", () => {
  test("is told once, as a warning, and stops nothing", () => {
    const { ready, worked, stopping } = service();
    takes = false;
    ready();
    worked();
    worked();
    stopping();
    expect(warnings).toEqual([
      "warn: systemd does not hear this role, and may take it for hung and end it: /run/systemd/notify: its queue is full (EAGAIN)",
    ]);
  });

  test("is said again with the next notification, the last status alone", () => {
    const { ready, status, worked } = service();
    takes = false;
    ready();
    status("waiting");
    status("armed");
    takes = true;
    worked();
    worked();
    expect(sent).toEqual(["READY=1\nSTATUS=armed\nWATCHDOG=1"]);
  });

  test("as a sign of work is followed by the next one at once", () => {
    const { worked } = service();
    takes = false;
    worked();
    takes = true;
    worked();
    expect(sent).toEqual(["WATCHDOG=1"]);
  });
});
