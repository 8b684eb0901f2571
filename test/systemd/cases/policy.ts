/** A brain that runs an exit policy as its unit: installed, restarted, through an incident, and taken away again. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../faults/case.ts";
import { eventually } from "../../support/eventually.ts";
import { type SystemdCase, took } from "../case.ts";
import type { Site } from "../site.ts";
import { BRAIN, mainPid, PROTECTORS, UNITS } from "../units.ts";

const POLICY = `defaults:
  stop-loss: 2 %
  take-profit:
    - { at: 1R, close: 50 % }
  trailing-stop: { activation: 3 %, distance: 1 % }
  backstop: 12 %
`;

const GIVEN = "/root/exits.yaml";
const INSTALLED = "/etc/quantum/exits.yaml";
const INSTALL_MS = 60_000;
const DECIDED_MS = 10_000;

export const POLICY_CASES: readonly SystemdCase[] = [
  {
    name: "policy",
    caused:
      "quantum install --policy; marks move, the brain is restarted on a Redis that forgot it, a person panics, resets and says brain live",
    holds: "the brain alone is restarted, leaves by its policy, forgets nothing, and waits in shadow after the reset",
    site: {
      positions: [
        { symbol: "BTCUSDT", amount: "0.4" },
        { symbol: "ETHUSDT", amount: "-2" },
      ],
    },
    run: async (site) => {
      const { machine } = site;
      const given = (text: string): void => writeFileSync(join(machine.root, GIVEN), text);
      given(POLICY.replace("2 %", "2 percent"));
      const refused = await machine.type(`quantum install --policy ${GIVEN} --yes`);
      must(refused.code === 2 && /exits\.yaml:2: .*stop-loss .*expected/.test(refused.stderr), refused.stderr);
      must((await machine.type(`ls ${INSTALLED}`)).code !== 0, "a policy that is wrong was installed");

      given(POLICY);
      const shown = await machine.must(`quantum install --policy ${GIVEN} --dry-run`);
      for (const line of [`create   ${INSTALLED} (0600)`, "    |   stop-loss: 2 %", `restart  ${BRAIN}, `]) {
        must(shown.includes(line), `--dry-run does not show ${line}:\n${shown}`);
      }
      must(!shown.includes("restart  quantum-emergency"), `it would restart more than the brain:\n${shown}`);
      const before = await Promise.all(UNITS.map((unit) => mainPid(machine, unit)));
      await machine.must(`quantum install --policy ${GIVEN} --yes`, { limitMs: INSTALL_MS });
      const after = await Promise.all(UNITS.map((unit) => mainPid(machine, unit)));
      must(
        PROTECTORS.every((_unit, i) => before[i] === after[i]),
        "a protector was restarted for a policy",
      );
      must(before.at(-1) !== after.at(-1), "the brain still runs without it");
      const again = await machine.must(`quantum install --policy ${GIVEN} --yes 2>&1`);
      must(again.startsWith("Nothing to do: "), `a second time it said: ${again}`);
      await says(site, "Exit policy: live and acted on");
      const unit = await machine.must(`systemctl status --no-pager ${BRAIN}`);
      must(unit.includes('Status: "live by its exit policy, watching 2 positions"'), `systemctl status says: ${unit}`);
      await logs(site, "BTCUSDT 0.4 is under the policy, stop at 86240");

      // Entry was at 88000: +1R, in the way that a stream or the next cycle tells it.
      const movedAt = Date.now();
      site.setMark("BTCUSDT", "89760");
      await eventually("the first step is taken", () => site.amountOf("BTCUSDT") === "0.2", DECIDED_MS);
      const stepMs = site.lastFillMs() - movedAt;
      site.setMark("BTCUSDT", "91520");
      await eventually("the best mark is remembered", () => remembers(site, '"best":"91520"'), DECIDED_MS);

      // Behind the best mark: whoever forgets that it was there stays in. Its own disk has to do.
      site.setMark("BTCUSDT", "90700");
      await machine.must(`redis-cli DEL quantum:exits && systemctl restart ${BRAIN}`);
      await site.atWork();
      must(site.amountOf("BTCUSDT") === "0.2", `after the restart ${site.amountOf("BTCUSDT")} BTCUSDT are open`);
      site.setMark("BTCUSDT", "90600");
      await eventually("it left at the trailing stop", () => site.amountOf("BTCUSDT") === "0", DECIDED_MS);
      must(
        (await site.log(BRAIN)).includes("close all of BTCUSDT: trailing stop 90,604.8 reached"),
        "it said no reason",
      );
      must((await site.events()).length === 0, "a policy exit was told as an incident");

      const legs = await machine.must("quantum status");
      must(/│ ETHUSDT +│ short 2 +│ 2,900 +│ .* │ 2,958 \(stop loss\) +│/.test(legs), `status says:\n${legs}`);
      await machine.must("quantum panic --reason BY_HAND");
      await site.untilFlat(DECIDED_MS);
      await says(site, "Exit policy: not acted on while trading is halted");
      await machine.must("quantum reset");
      await eventually("it is in shadow", async () => (await site.brainSays("mode")) === "shadow", DECIDED_MS);
      site.openPosition({ symbol: "ETHUSDT", amount: "-2" });
      site.setMark("ETHUSDT", "2960");
      await logs(site, "Shadow, would close all of ETHUSDT");
      await says(site, "quantum brain live");
      const warned = await machine.must("quantum doctor");
      must(/^warn +Exit policy +\S+, in shadow/m.test(warned), `doctor says: ${warned}`);
      must(site.amountOf("ETHUSDT") === "-2", "it acted in shadow");
      const allowedAt = Date.now();
      await machine.must("quantum brain live");
      await eventually("it left beyond its stop", () => site.amountOf("ETHUSDT") === "0", DECIDED_MS);
      const allowedMs = site.lastFillMs() - allowedAt;

      // Edited where it lies: doctor tells it, and --restart brings it into force.
      await machine.must(`sed -i 's/12 %/15 %/' ${INSTALLED}`);
      const edited = await machine.must("quantum doctor");
      must(/^warn +Exit policy +\S+ was changed/m.test(edited), `doctor says: ${edited}`);
      await machine.must(`quantum install --policy ${INSTALLED} --yes`, { limitMs: INSTALL_MS });
      await site.atWork();
      const fit = async (): Promise<boolean> =>
        /^ok +Exit policy +\S+, live/m.test(await machine.must("quantum doctor"));
      await eventually("it is in force", fit, DECIDED_MS);

      await machine.must("quantum install --no-policy --yes", { limitMs: INSTALL_MS });
      await says(site, "Exit policy: none, the brain only watches");
      const left = await machine.type(`ls -d ${INSTALLED} /etc/systemd/system/${BRAIN}.d`);
      must(left.stdout === "", `--no-policy has left ${left.stdout}`);
      must((await site.events()).length === 1, "a restart was told as an incident");
      return [took("mark → step taken", stepMs, DECIDED_MS), took("brain live → left", allowedMs, DECIDED_MS)];
    },
  },
];

async function says(site: Site, words: string): Promise<void> {
  let said = "";
  const look = async (): Promise<boolean> => {
    said = (await site.machine.type("quantum status")).stdout;
    return said.includes(words);
  };
  await eventually(`status says ${words}`, look, DECIDED_MS).catch((error: unknown) => {
    throw new Error(`${String(error)}, it says:\n${said}`);
  });
}

async function logs(site: Site, words: string): Promise<void> {
  await eventually(`the brain says ${words}`, async () => (await site.log(BRAIN)).includes(words), DECIDED_MS);
}

/** What the brain has written down, in Redis; the journal on its disk says the same. */
async function remembers(site: Site, words: string): Promise<boolean> {
  return String(await site.redis("HGET", "quantum:exits", "BTCUSDT")).includes(words);
}
