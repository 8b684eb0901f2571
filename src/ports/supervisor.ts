import type { Reading } from "../core/reading.ts";
import type { BeatingRole } from "./bus.ts";

/** How a drill can kill or freeze a process. */
export type Blow = "SIGKILL" | "SIGTERM" | "SIGSTOP";

/** What runs the roles: systemd, or the sandbox. No method rejects. */
export interface Supervisor {
  /** Whether the role runs now. */
  running(role: BeatingRole): Promise<Reading<boolean>>;
  /** Delivers a signal to the role's process; known once it was delivered, not once it worked. */
  strike(role: BeatingRole, blow: Blow): Promise<Reading<null>>;
  /** Starts the role afresh; what is left of its former life, frozen or not, is ended first. */
  restart(role: BeatingRole): Promise<Reading<null>>;
}
