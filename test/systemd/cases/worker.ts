/** A worker that dies in the middle of an exit. */

import { ORDER, play } from "../../faults/at-venue.ts";
import { must } from "../../faults/case.ts";
import { eventually } from "../../support/eventually.ts";
import { type SystemdCase, took } from "../case.ts";
import { flatOnRecord } from "../expect.ts";
import { BRAIN, properties, WORKER } from "../units.ts";

const DETECTED_MS = 10_000;
/** systemd's pause of a second, its start, the three seconds after which a pass is taken over, and the pass. */
const FINISHED_MS = 20_000;

export const WORKER_CASES: readonly SystemdCase[] = [
  {
    name: "worker-killed",
    caused: "the venue does not answer the close of ETHUSDT; systemctl kill -s KILL of the worker with one leg closed",
    holds: "it comes back and finishes: one report for the event, FLAT",
    run: async (site) => {
      const { machine } = site;
      // Slower than it takes to kill it, and never executed: what the next life finds is half closed.
      play(site, { when: { ...ORDER, symbol: "ETHUSDT" }, does: { kind: "hang", executes: false } });
      await machine.must(`systemctl kill -s KILL ${BRAIN}`);
      const isHalfClosed = (): boolean => site.openNow().length === 1 && site.closesSent() === 2;
      await eventually("one leg is closed and the other's close is under way", isHalfClosed, DETECTED_MS);
      const killedAt = Date.now();
      await machine.must(`systemctl kill -s KILL ${WORKER}`);
      const event = await site.firstEvent(DETECTED_MS);
      await site.report(event.eventId, FINISHED_MS);
      await flatOnRecord(site, event);
      must(site.reports.length === 1, `${site.reports.length} completions are on record`);
      const { NRestarts, Result } = await properties(machine, WORKER, "NRestarts", "Result");
      must(NRestarts === "1" && Result === "success", `NRestarts is ${NRestarts}, Result is ${Result}`);
      return [
        took("worker killed → flat", site.lastFillMs() - killedAt, FINISHED_MS),
        took("panic → flat", site.lastFillMs() - event.atMs),
      ];
    },
  },
];
