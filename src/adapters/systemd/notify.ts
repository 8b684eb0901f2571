/** The supervisor that systemd is: sd_notify(3), for units of `Type=notify` with `WatchdogSec=`. */

import type { Instant } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Service } from "../../ports/service.ts";
import type { Datagrams } from "./datagram.ts";

/** A role's supervisor, and what only the process knows of its end. */
export interface SystemdService extends Service {
  /** The process was asked to stop, and what it does now is the end of its work. */
  stopping(): void;
}

/** What it takes. */
interface NotifyWorld {
  /** To the socket that `NOTIFY_SOCKET` names. */
  readonly datagrams: Datagrams;
  /** `WatchdogSec=` is set for this process. */
  readonly watchdog: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** Looks may come in hundreds a second; systemd need not read more than this of them. Far under any `WatchdogSec=`. */
const WORKED_EVERY_MS = 100;

/** `systemctl status` shows one line. */
const STATUS_CHARS_MAX = 300;

/** What systemd is told, each until it was taken. */
interface Untold {
  ready: boolean;
  stopping: boolean;
  status: string | null;
}

/**
 * Tells systemd of the role.
 *
 * What was not taken is said again with the next notification: a `READY=1` that is lost would look like a start that hangs.
 * People are told once, as a warning, and the role goes on.
 */
export function systemdService({ datagrams, watchdog, clock, log }: NotifyWorld): SystemdService {
  const untold: Untold = { ready: false, stopping: false, status: null };
  let isReady = false;
  let shown = "";
  let workedAt = Number.NEGATIVE_INFINITY as Instant;
  let complained = false;

  /** Everything that is not told yet, and that it has worked. */
  const tell = (worked: boolean): void => {
    const { ready, status, stopping } = untold;
    const lines = [
      ...(ready ? ["READY=1"] : []),
      ...(stopping ? ["STOPPING=1"] : []),
      ...(status === null ? [] : [`STATUS=${status}`]),
      ...(worked ? ["WATCHDOG=1"] : []),
    ];
    const taken = datagrams.send(lines.join("\n"));
    if (taken.known) {
      Object.assign(untold, { ready: false, stopping: false, status: null });
      if (worked) workedAt = clock.now();
      return;
    }
    if (complained) return;
    complained = true;
    log.write("warn", `systemd does not hear this role, and may take it for hung and end it: ${taken.why}`);
  };

  return {
    ready: () => {
      if (isReady) return;
      isReady = true;
      untold.ready = true;
      tell(false);
    },
    worked: () => {
      if (watchdog && clock.now() - workedAt >= WORKED_EVERY_MS) tell(true);
    },
    status: (text) => {
      // A line break would begin another assignment.
      const line = text.replaceAll(/[\r\n]+/g, " ").slice(0, STATUS_CHARS_MAX);
      if (line === shown) return;
      shown = line;
      untold.status = line;
      tell(false);
    },
    stopping: () => {
      untold.stopping = true;
      tell(false);
    },
  };
}
