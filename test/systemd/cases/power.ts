/** The machine goes down with positions open, and the brain does not come back with it. */

import { must } from "../../faults/case.ts";
import { type Figure, type SystemdCase, took } from "../case.ts";
import { active, flatOnRecord } from "../expect.ts";
import type { Site } from "../site.ts";
import { BRAIN, PROTECTORS } from "../units.ts";

/** From the first instruction after the boot; nothing but the silence of the brain has to be found out. */
const FLAT_MS = 30_000;

export const POWER_CASES: readonly SystemdCase[] = [
  {
    name: "reboot",
    caused: "positions open, the brain's unit disabled, systemctl reboot",
    holds: "flat after the boot without a human, reported and halted",
    run: async (site) => {
      await site.machine.must(`systemctl disable --quiet ${BRAIN}`);
      const lastBeatMs = await site.lastBeatMs();
      await site.machine.reboot();
      return await flatAfterBoot(site, lastBeatMs);
    },
  },
  {
    name: "power-cut",
    caused: "positions open, the brain's unit disabled, SIGKILL to the machine's first process; switched on again",
    holds: "flat after the boot without a human, reported and halted",
    run: async (site) => {
      await site.machine.must(`systemctl disable --quiet ${BRAIN}`);
      const lastBeatMs = await site.lastBeatMs();
      await site.machine.cutPower();
      await site.machine.powerOn();
      return await flatAfterBoot(site, lastBeatMs);
    },
  },
];

async function flatAfterBoot(site: Site, lastBeatMs: number): Promise<readonly Figure[]> {
  const { machine } = site;
  const event = await site.firstEvent(FLAT_MS);
  await flatOnRecord(site, event);
  await active(machine, PROTECTORS);
  must(
    (await machine.type(`systemctl is-active ${BRAIN}`)).code !== 0,
    "the brain was started, though its unit is disabled",
  );
  return [
    took("boot", machine.bootMs),
    took("switched on → flat", site.lastFillMs() - machine.switchedOnAtMs, FLAT_MS),
    took("last heartbeat → flat", site.lastFillMs() - lastBeatMs),
  ];
}
