/** A worker that dies in the middle of an exit. */

import { ORDER, play } from "../../faults/at-venue.ts";
import { must } from "../../faults/case.ts";
import { eventually } from "../../support/eventually.ts";
import { type SystemdCase, took } from "../case.ts";
import { flatOnRecord } from "../expect.ts";
import { BRAIN, properties, REDIS, WORKER } from "../units.ts";

const DETECTED_MS = 10_000;
/** systemd's pause of a second, its start, the three seconds after which a pass is taken over, and the pass. */
const FINISHED_MS = 20_000;

export const WORKER_CASES: readonly SystemdCase[] = [
  {
    name: "worker-killed",
    caused: "the venue does not answer the close of ETHUSDT; systemctl kill -s KILL of the worker with one leg closed",
    holds: "it comes back and finishes: one report for the event, FLAT, and both legs are counted",
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
      const { fields } = await site.report(event.eventId, FINISHED_MS);
      const counted = ["positions_total", "positions_closed"].map((name) => `${name} ${fields.get(name)}`).join(", ");
      must(counted === "positions_total 2, positions_closed 2", `the report says ${counted}`);
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
  {
    name: "panic-direct",
    caused: "redis-server is stopped, and a person types quantum panic --direct",
    holds: "the worker closes at once, and says FLAT",
    run: async (site) => {
      const { machine } = site;
      await machine.must(`systemctl stop ${REDIS}`);
      const calledAt = Date.now();
      const { code, stdout, stderr } = await machine.type("quantum panic --direct --reason BY_HAND");
      const tookMs = Date.now() - calledAt;
      must(code === 0 && stdout.includes("FLAT"), `it ended with ${code}: ${stdout}${stderr}`);
      must(site.openNow().length === 0, `still open: ${site.openNow().join(", ")}`);
      await machine.must(`systemctl start ${REDIS}`);
      const event = await site.firstEvent(FINISHED_MS);
      must(event.reason === "BY_HAND", `the reason on record is ${event.reason}`);
      await flatOnRecord(site, event);
      return [took("typed → flat", site.lastFillMs() - calledAt), took("typed → answered", tookMs)];
    },
  },
];
