/** Everything that must hold on a machine that booted systemd, the shortest first. */

import type { SystemdCase } from "./case.ts";
import { DRILL_CASES } from "./cases/drill.ts";
import { GUARD_CASES } from "./cases/guard.ts";
import { INSTALL_CASES } from "./cases/install.ts";
import { POLICY_CASES } from "./cases/policy.ts";
import { POWER_CASES } from "./cases/power.ts";
import { REDIS_CASES } from "./cases/redis.ts";
import { RESTART_CASES } from "./cases/restarts.ts";
import { RUNBOOK_CASES } from "./cases/runbook.ts";
import { UNIT_CASES } from "./cases/units.ts";
import { WATCHDOG_CASES } from "./cases/watchdog.ts";
import { WORKER_CASES } from "./cases/worker.ts";

/** In the order in which they are shown. */
export const CASES: readonly SystemdCase[] = [
  ...UNIT_CASES,
  ...RUNBOOK_CASES,
  ...DRILL_CASES,
  ...POLICY_CASES,
  ...GUARD_CASES,
  ...WATCHDOG_CASES,
  ...WORKER_CASES,
  ...REDIS_CASES,
  ...RESTART_CASES,
  ...POWER_CASES,
  ...INSTALL_CASES,
];
