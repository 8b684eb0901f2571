import { expect, test } from "bun:test";
import { loadSupervision } from "../../src/config/supervision.ts";

const SOCKET = "/run/systemd/notify";

test.each([
  ["nothing is set", {}, null],
  ["the socket is empty", { NOTIFY_SOCKET: "" }, null],
  ["only a watchdog is set", { WATCHDOG_USEC: "5000000" }, null],
  ["there is no watchdog", { NOTIFY_SOCKET: SOCKET }, { socket: SOCKET, watchdog: false }],
  [
    "it is this process that is watched",
    { NOTIFY_SOCKET: "@n", WATCHDOG_USEC: "5000000", WATCHDOG_PID: "7" },
    { socket: "@n", watchdog: true },
  ],
  ["nobody says who is watched", { NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: "1" }, { socket: SOCKET, watchdog: true }],
  [
    "it is another process",
    { NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: "5000000", WATCHDOG_PID: "8" },
    { socket: SOCKET, watchdog: false },
  ],
  ["the watchdog is off", { NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: "0" }, { socket: SOCKET, watchdog: false }],
  ["the time can't be read", { NOTIFY_SOCKET: SOCKET, WATCHDOG_USEC: "5s" }, { socket: SOCKET, watchdog: false }],
] as const)("where %s", (_what, env, expected) => {
  expect(loadSupervision(env, 7)).toEqual(expected);
});
