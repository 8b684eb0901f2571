import { hostClock } from "../../adapters/host/clock.ts";
import type { AlertsConfig } from "../../config/alerts.ts";
import { type DrillRecord, drillNews } from "../../core/drill.ts";
import type { Reading } from "../../core/reading.ts";
import { after } from "../../core/time.ts";
import type { DrillBus } from "../../ports/bus.ts";
import type { Io } from "../io.ts";
import { tellPeople } from "./tell-people.ts";

/** How long it is tried to keep a record: a Redis that is started again is back by then. */
const KEPT_WITHIN_MS = 15_000;
const AGAIN_MS = 1_000;

/** Keeps what came of a drill; unknown if Redis did not take it within a quarter of a minute. */
export async function keepDrill(bus: DrillBus, record: DrillRecord, io: Pick<Io, "err">): Promise<Reading<null>> {
  const until = after(hostClock.now(), KEPT_WITHIN_MS);
  for (let told = false; ; told = true) {
    const kept = await bus.keepDrill(record);
    if (kept.known || hostClock.now() >= until) return kept;
    if (!told) io.err(`What came of it can't be kept yet, tried again for ${KEPT_WITHIN_MS / 1_000} s: ${kept.why}`);
    await hostClock.sleep(AGAIN_MS);
  }
}

/** Tells people what came of a drill, and whether it was kept. */
export async function tellDrill(
  alerts: AlertsConfig,
  record: DrillRecord,
  account: string,
  kept: Reading<null>,
  io: Pick<Io, "err">,
): Promise<void> {
  await tellPeople(alerts, "chaos", drillNews(record, account, kept.known ? null : kept.why), io);
}
