/** What systemd says of how it wants to hear of a role: `NOTIFY_SOCKET` (sd_notify(3)) and `WATCHDOG_USEC` (sd_watchdog_enabled(3)). */

import { type Env, variable } from "./env.ts";

/** How the supervisor is told. */
export interface Supervision {
  readonly socket: string;
  /** It ends a role that it hears nothing of. */
  readonly watchdog: boolean;
}

/** Null: nobody wants to be told. What can't be read is no reason not to start. */
export function loadSupervision(env: Env, pid: number): Supervision | null {
  const socket = variable(env, "NOTIFY_SOCKET");
  if (socket === null) return null;
  // Where another process is named, it is that one whose work counts.
  const watched = variable(env, "WATCHDOG_PID") ?? String(pid);
  const watchdog = /^[1-9]\d*$/.test(variable(env, "WATCHDOG_USEC") ?? "") && watched === String(pid);
  return { socket, watchdog };
}
