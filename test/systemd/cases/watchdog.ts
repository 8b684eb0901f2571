/** A watchdog that hangs. */

import { must } from "../../faults/case.ts";
import { eventually } from "../../support/eventually.ts";
import { type Figure, type SystemdCase, took } from "../case.ts";
import { criterionMs, flatOnRecord, killedAndFlat, TOTAL } from "../expect.ts";
import { HEARTBEATS, type Site } from "../site.ts";
import { BRAIN, mainPid, properties, WATCHDOG } from "../units.ts";

/** systemd's patience with a watchdog that does not feed it (WatchdogSec), the kill, and the start. */
const BACK_MS = 30_000;
/** Design, section 4: the worker acts when no watchdog was heard for 10 s while the brain is silent; then a pass. */
const WITHOUT_WATCHDOG_MS = 20_000;

export const WATCHDOG_CASES: readonly SystemdCase[] = [
  {
    name: "watchdog-hung",
    caused: "systemctl kill -s STOP of the watchdog; the brain is killed as soon as the new one is armed",
    holds: "systemd kills and restarts it, nobody is alarmed, and the brain's death is noticed in time",
    run: async (site) => {
      const figures = await hung(site);
      must((await site.events()).length === 0, "a watchdog that hung has raised a panic over a brain that lives");
      await site.atWork();
      const killedAt = Date.now();
      await site.machine.must(`systemctl kill -s KILL ${BRAIN}`);
      return [...figures, ...(await killedAndFlat(site, killedAt))];
    },
  },
  {
    name: "watchdog-hung-brain-dead",
    caused: "systemctl kill -s STOP of the watchdog, and at once systemctl kill -s KILL of the brain",
    holds: "whoever is first, the new watchdog or the worker by itself: flat, one report, halted",
    run: async (site) => {
      const { machine } = site;
      await site.workerHasLooked();
      await machine.must(`systemctl kill -s STOP ${WATCHDOG}`);
      const killedAt = Date.now();
      await machine.must(`systemctl kill -s KILL ${BRAIN}`);
      const event = await site.firstEvent(WITHOUT_WATCHDOG_MS);
      await flatOnRecord(site, event);
      return [
        took(`kill → panic, by ${event.fields.get("issued_by")}`, event.atMs - killedAt),
        took("kill → flat", site.lastFillMs() - killedAt, WITHOUT_WATCHDOG_MS),
      ];
    },
  },
];

/** Freezes the watchdog, waits until another one is armed in its place, and says how long nobody was on guard. */
async function hung(site: Site): Promise<readonly Figure[]> {
  const { machine } = site;
  const heartbeats = HEARTBEATS[WATCHDOG] as string;
  const before = await mainPid(machine, WATCHDOG);
  await machine.must(`systemctl kill -s STOP ${WATCHDOG}`);
  const frozenAt = Date.now();
  const lastMs = await site.lastBeatMs(heartbeats);
  const isReplaced = async (): Promise<boolean> => {
    const pid = await mainPid(machine, WATCHDOG);
    return pid !== 0 && pid !== before;
  };
  await eventually("systemd starts another watchdog", isReplaced, BACK_MS).catch(async (error: unknown) => {
    const { Type, WatchdogUSec } = await properties(machine, WATCHDOG, "Type", "WatchdogUSec");
    throw new Error(`${String(error)}; the unit has Type=${Type}, WatchdogSec=${WatchdogUSec}`);
  });
  const replacedAt = Date.now();
  await eventually("the new one is heard", async () => (await site.lastBeatMs(heartbeats)) > frozenAt, BACK_MS);
  const { NRestarts } = await properties(machine, WATCHDOG, "NRestarts");
  must(NRestarts === "1", `systemd has restarted it ${NRestarts} times`);
  must(
    (await site.log(WATCHDOG)).includes("Watchdog timeout"),
    "the journal does not say that it was the watchdog timeout",
  );
  // Between the last heartbeat of the one and the first of the other nobody was on guard.
  const gapMs = (await site.lastBeatMs(heartbeats)) - lastMs;
  return [
    took("frozen → restarted by systemd", replacedAt - frozenAt),
    took("gap in protection", gapMs, criterionMs(TOTAL)),
  ];
}
