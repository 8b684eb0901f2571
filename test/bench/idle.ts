/** What a closer asks of the venue while it waits: the price of being ready. */

import { ROUTES, weigh } from "../../src/sim/routes.ts";
import type { VenueReport } from "./protocol.ts";
import type { VenueProcess } from "./venue-process.ts";

/** Longer than the widest round of proofs, 37.5 s for 300 connections (src/roles/upkeep.ts). */
export const IDLE_WATCH_MS = 40_000;

/** The request weight that is spent per minute, watched for that long while nothing happens. */
export async function idleWeightPerMinute(venue: VenueProcess): Promise<number> {
  const before = weightOf(await venue.ask({ do: "report" }));
  const startedAt = performance.now();
  await Bun.sleep(IDLE_WATCH_MS);
  const spent = weightOf(await venue.ask({ do: "report" })) - before;
  return Math.round((spent * 60_000) / (performance.now() - startedAt));
}

/** Binance's documented weights (binance.md 4), as the simulated venue charges them. */
function weightOf({ steps }: VenueReport): number {
  return steps.reduce((total, { call, count }) => {
    const weight = ROUTES.find(({ method, path }) => `${method} ${path}` === call)?.weight ?? 1;
    return total + count * weigh(weight, new URLSearchParams());
  }, 0);
}
