/** Protectors that die again and again. */

import { must } from "../../faults/case.ts";
import { eventually } from "../../support/eventually.ts";
import { counted, type SystemdCase, took } from "../case.ts";
import { mainPid, PROTECTORS, properties } from "../units.ts";

const KILLS = 20;
/** systemd's pause of a second, and the start. */
const BACK_MS = 10_000;

export const RESTART_CASES: readonly SystemdCase[] = [
  {
    name: "restarts",
    caused: `systemctl kill -s KILL of watchdog and worker, ${KILLS} times in a row`,
    holds: "they always come back, at no start limit, and nobody is alarmed over a brain that lives",
    run: async (site) => {
      const { machine } = site;
      let longestMs = 0;
      for (let kill = 1; kill <= KILLS; kill++) {
        const before = await Promise.all(PROTECTORS.map((unit) => mainPid(machine, unit)));
        const killedAt = Date.now();
        await machine.must(`systemctl kill -s KILL ${PROTECTORS.join(" ")}`);
        const areBack = async (): Promise<boolean> => {
          const states = PROTECTORS.map(async (unit, i) => {
            const { MainPID, ActiveState } = await properties(machine, unit, "MainPID", "ActiveState");
            return ActiveState === "active" && MainPID !== "0" && MainPID !== String(before[i]);
          });
          return (await Promise.all(states)).every(Boolean);
        };
        await eventually(`both are back after kill ${kill}`, areBack, BACK_MS);
        longestMs = Math.max(longestMs, Date.now() - killedAt);
      }
      await site.atWork();
      const restarts = PROTECTORS.map(async (unit) => {
        const { NRestarts, Result, ActiveState } = await properties(
          machine,
          unit,
          "NRestarts",
          "Result",
          "ActiveState",
        );
        must(Result === "success" && ActiveState === "active", `${unit} is ${ActiveState}, result ${Result}`);
        must(Number(NRestarts) >= KILLS, `NRestarts of ${unit} is ${NRestarts}`);
        return counted(`NRestarts of ${unit}`, Number(NRestarts));
      });
      const events = await site.events();
      must(events.length === 0, `a false alarm: ${events[0]?.reason}`);
      return [took("longest kill → both active", longestMs, BACK_MS), ...(await Promise.all(restarts))];
    },
  },
];
