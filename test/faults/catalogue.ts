/** Every fault that the system must survive, by its row. */

import type { FaultCase } from "./case.ts";
import { BRAIN_FAULTS } from "./cases/brain.ts";
import { CLOCK_FAULTS } from "./cases/clocks.ts";
import { EVENT_FAULTS } from "./cases/events.ts";
import { HOST_FAULTS } from "./cases/host.ts";
import { REDIS_LOSS_FAULTS } from "./cases/redis-forgets.ts";
import { REDIS_LINK_FAULTS } from "./cases/redis-link.ts";
import { REDIS_REFUSAL_FAULTS } from "./cases/redis-refuses.ts";
import { REDIS_SERVER_FAULTS } from "./cases/redis-server.ts";
import { SENTINEL_FAULTS } from "./cases/sentinel.ts";
import { LIMIT_FAULTS } from "./cases/venue-limits.ts";
import { ORDER_FAULTS } from "./cases/venue-orders.ts";
import { READ_FAULTS } from "./cases/venue-reads.ts";
import { WATCHDOG_FAULTS } from "./cases/watchdog.ts";
import { WORKER_FAULTS } from "./cases/worker.ts";

/** How many rows the catalogue has. */
export const ROWS = 80;

/** In the order of their rows. */
export const FAULTS: readonly FaultCase[] = [
  ...BRAIN_FAULTS,
  ...WATCHDOG_FAULTS,
  ...WORKER_FAULTS,
  ...ORDER_FAULTS,
  ...READ_FAULTS,
  ...LIMIT_FAULTS,
  ...REDIS_SERVER_FAULTS,
  ...REDIS_LINK_FAULTS,
  ...SENTINEL_FAULTS,
  ...REDIS_REFUSAL_FAULTS,
  ...REDIS_LOSS_FAULTS,
  ...CLOCK_FAULTS,
  ...EVENT_FAULTS,
  ...HOST_FAULTS,
].toSorted((one, other) => one.row - other.row);
