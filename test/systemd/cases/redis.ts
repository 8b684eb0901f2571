/** Redis's unit is restarted, stopped, or gone for good. */

import { must } from "../../faults/case.ts";
import { eventually } from "../../support/eventually.ts";
import { counted, type Figure, type SystemdCase, took } from "../case.ts";
import { active, flatOnRecord } from "../expect.ts";
import type { Site } from "../site.ts";
import { PROTECTORS, properties, REDIS, UNITS, WATCHDOG } from "../units.ts";

/** Longer than any limit that a restart could have broken. */
const QUIET_MS = 7_000;
const STOPPED_MS = 10_000;
/** Design, section 4: five seconds without Redis, and then a pass. */
const WITHOUT_REDIS_MS = 15_000;
/** What was executed without Redis is on record soon after it is back. */
const ON_RECORD_MS = 15_000;
/** So long the protectors have to bear it. Longer than systemd's patience with a role that does nothing useful. */
const DISABLED_MS = 12_000;

export const REDIS_CASES: readonly SystemdCase[] = [
  {
    name: "redis-restarted",
    caused: "systemctl restart redis-server",
    holds: "nobody is alarmed, no protector has to be restarted, and all are at work again",
    run: async (site) => {
      const { machine } = site;
      const beganAt = Date.now();
      await machine.must(`systemctl restart ${REDIS}`);
      const restartMs = Date.now() - beganAt;
      await site.atWork();
      const backMs = Date.now() - beganAt;
      await Bun.sleep(Math.max(0, QUIET_MS - backMs));
      const events = await site.events();
      must(events.length === 0, `a false alarm: ${events[0]?.reason}`);
      must(site.openNow().length === site.opened.length, "something was closed");
      await active(machine, UNITS);
      await untouched(site);
      return [took("systemctl restart", restartMs), took("restart → all at work", backMs)];
    },
  },
  {
    name: "redis-stopped",
    caused: `systemctl stop redis-server, and start ${STOPPED_MS / 1_000} s later`,
    holds: "flat without Redis, and once it is back halt and report are on record",
    run: async (site) => {
      const { machine } = site;
      await site.workerHasLooked();
      const stoppedAt = Date.now();
      await machine.must(`systemctl stop ${REDIS}`);
      await site.untilFlat(WITHOUT_REDIS_MS);
      await Bun.sleep(Math.max(0, STOPPED_MS - (Date.now() - stoppedAt)));
      await active(machine, PROTECTORS);
      await machine.must(`systemctl start ${REDIS}`);
      return [flatMs(site, stoppedAt), ...(await onRecordAgain(site))];
    },
  },
  {
    name: "redis-and-watchdog-stopped",
    caused: `systemctl stop of redis-server and the watchdog, and start ${STOPPED_MS / 1_000} s later`,
    holds: "the worker closes by itself, REDIS_LOST, and once Redis is back halt and the one report are on record",
    run: async (site) => {
      const { machine } = site;
      await site.workerHasLooked();
      const stoppedAt = Date.now();
      await machine.must(`systemctl stop ${REDIS} ${WATCHDOG}`);
      await site.untilFlat(WITHOUT_REDIS_MS);
      await Bun.sleep(Math.max(0, STOPPED_MS - (Date.now() - stoppedAt)));
      await machine.must(`systemctl start ${REDIS} ${WATCHDOG}`);
      const figures = [flatMs(site, stoppedAt), ...(await onRecordAgain(site))];
      const event = await site.firstEvent(ON_RECORD_MS);
      must(event.reason.startsWith("REDIS_LOST_("), `the reason on record is ${event.reason}`);
      await flatOnRecord(site, event);
      return figures;
    },
  },
  {
    name: "redis-disabled",
    caused: "systemctl disable --now redis-server; while it is gone, both protectors are killed",
    holds: "flat without it, the protectors back at once and at work, and all on record once it is enabled again",
    run: async (site) => {
      const { machine } = site;
      await site.workerHasLooked();
      const stoppedAt = Date.now();
      await machine.must(`systemctl disable --quiet --now ${REDIS}`);
      await site.untilFlat(WITHOUT_REDIS_MS);
      await active(machine, PROTECTORS);
      await untouched(site);
      // Now they have to start without it, and to bear that.
      await machine.must(`systemctl kill -s KILL ${PROTECTORS.join(" ")}`);
      const areUp = (): Promise<boolean> =>
        active(machine, PROTECTORS).then(
          () => true,
          () => false,
        );
      await eventually("the protectors are up without Redis", areUp, ON_RECORD_MS);
      await Bun.sleep(DISABLED_MS);
      await active(machine, PROTECTORS);
      const starts = PROTECTORS.map(async (unit) =>
        Number((await properties(machine, unit, "NRestarts"))["NRestarts"]),
      );
      const [worker = 0, watchdog = 0] = await Promise.all(starts);
      await machine.must(`systemctl enable --quiet --now ${REDIS}`);
      const figures = [flatMs(site, stoppedAt), ...(await onRecordAgain(site))];
      return [
        ...figures,
        counted("starts of the worker without Redis", worker, 1),
        counted("of the watchdog", watchdog, 1),
      ];
    },
  },
];

function flatMs(site: Site, stoppedAt: number): Figure {
  return took("Redis stopped → flat", site.lastFillMs() - stoppedAt, WITHOUT_REDIS_MS);
}

/** What was executed without Redis is there, once, and says why: whoever was first, the worker or the watchdog by its call. */
async function onRecordAgain(site: Site): Promise<readonly Figure[]> {
  const backAt = Date.now();
  const first = await site.firstEvent(ON_RECORD_MS);
  await site.report(first.eventId, ON_RECORD_MS);
  must(await site.isHalted(), "trading is not halted");
  const tookMs = Date.now() - backAt;
  const events = await site.events();
  for (const { eventId, reason } of events) {
    must(/^(REDIS_LOST|EXIT_BRAIN_HEARTBEAT_MISSING)_\(/.test(reason), `a reason on record is ${reason}`);
    const { fields, outcome } = await site.report(eventId, ON_RECORD_MS);
    must(outcome === "FLAT", `the report on event ${eventId} says ${outcome}`);
    const closed = fields.get("positions_closed");
    must(closed === String(site.opened.length), `the report on event ${eventId} has ${closed} positions closed`);
  }
  return [took("Redis back → report and halt on record", tookMs), counted("events", events.length, 1)];
}

/** No protector was restarted: the process that was there still is. */
async function untouched({ machine }: Site): Promise<void> {
  for (const unit of PROTECTORS) {
    const { NRestarts, Result } = await properties(machine, unit, "NRestarts", "Result");
    must(NRestarts === "0" && Result === "success", `${unit} was restarted ${NRestarts} times, result ${Result}`);
  }
}
