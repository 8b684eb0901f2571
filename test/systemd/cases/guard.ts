/** A bot of somebody's, run by the brain's unit with the drop-in of the examples. */

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { must } from "../../faults/case.ts";
import { eventually } from "../../support/eventually.ts";
import { ROOT } from "../../support/run.ts";
import { type Figure, type SystemdCase, took } from "../case.ts";
import { criterionMs, TOTAL } from "../expect.ts";
import type { Site } from "../site.ts";
import { BRAIN, mainPid, UNITS } from "../units.ts";

const FOLDER = "/opt/freqtrade";
const DROP_IN = `/etc/systemd/system/${BRAIN}.d/guard.conf`;
/** A bot with a process of its own: what it has started must end with it. */
const BOT = `#!/bin/sh
echo $$ >> ${FOLDER}/starts
sh -c 'echo $$ >> ${FOLDER}/children; while sleep 0.2; do :; done' &
while touch ${FOLDER}/alive; do sleep 0.2; done
`;
const INSTALL_MS = 60_000;
const STARTED_MS = 20_000;
/** The unit's kill, and the kernel's. */
const GONE_MS = 12_000;
/** Several looks of a guard that waits. */
const WAITED_MS = 3_000;

export const GUARD_CASES: readonly SystemdCase[] = [
  {
    name: "guard",
    caused: "examples/guard.conf; the bot is killed, then the guard stopped by SIGSTOP, then killed by SIGKILL",
    holds: "each time flat and halted, nothing of the bot is left, and it is not started before the reset",
    run: async (site) => {
      const { machine } = site;
      const inside = (path: string): string => join(machine.root, path);
      await machine.must(`id freqtrade 2>&1 || useradd --system --home-dir ${FOLDER} freqtrade`);
      await machine.must(`rm -rf ${FOLDER} && install -d -o freqtrade ${FOLDER}`);
      writeFileSync(inside(`${FOLDER}/bot`), BOT);
      chmodSync(inside(`${FOLDER}/bot`), 0o755);
      mkdirSync(inside(join(DROP_IN, "..")), { recursive: true });
      writeFileSync(inside(DROP_IN), dropIn());
      await machine.must(`systemctl daemon-reload && systemctl restart ${BRAIN}`, { limitMs: STARTED_MS });
      await site.atWork();
      const status = await machine.must("quantum status");
      must(status.includes("Exit policy: none, the brain guards a bot"), `status says: ${status}`);
      await aroundTheBot(site);

      const figures: Figure[] = [];
      const blows = [
        ["bot killed", async () => void (await machine.must(`kill -KILL $(tail -n 1 ${FOLDER}/starts)`))],
        ["guard stopped", async () => void (await machine.must(`kill -STOP ${await mainPid(machine, BRAIN)}`))],
        ["guard killed", async () => void (await machine.must(`kill -KILL ${await mainPid(machine, BRAIN)}`))],
      ] as const;
      for (const [i, [what, strike]] of blows.entries()) {
        if (i > 0) {
          for (const leg of site.opened.slice(0, 2)) site.openPosition(leg);
          await site.atWork();
        }
        const struckAt = Date.now();
        await strike();
        figures.push(await flatAndGone(site, what, struckAt));
        const isOver = async (): Promise<boolean> => (await mainPid(machine, BRAIN)) === 0;
        await eventually(`${what}: the unit is over`, isOver, GONE_MS);
        must((await site.events()).length === i + 1, `${what}: ${(await site.events()).length} panic events`);
        if (i === 0) await waitsForReset(site);
        else await machine.must("quantum reset && systemctl reset-failed", { limitMs: STARTED_MS });
        if (i > 0 && i < blows.length - 1) await machine.must(`systemctl start ${BRAIN}`, { limitMs: STARTED_MS });
      }
      await machine.must(`rm -r $(dirname ${DROP_IN}) && systemctl daemon-reload`);
      return figures;
    },
  },
];

/** What `quantum install` makes of such a brain: no policy for it, and no restart that it would not survive as its bot. */
async function aroundTheBot(site: Site): Promise<void> {
  const { machine } = site;
  writeFileSync(join(machine.root, "/root/exits.yaml"), "defaults: { stop-loss: 2 % }\n");
  const refused = await machine.type("quantum install --policy /root/exits.yaml --yes");
  must(refused.code === 2 && refused.stderr.includes(`by ${DROP_IN} the brain's unit runs another`), refused.stderr);
  const before = await Promise.all(UNITS.map((unit) => mainPid(machine, unit)));
  await machine.must("echo '# changed' >> /etc/systemd/system/quantum.target");
  const said = await machine.must("quantum install --yes 2>&1", { limitMs: INSTALL_MS });
  must(said.includes(`${BRAIN} runs the command of ${DROP_IN}, and goes on as it is`), `it said: ${said}`);
  const after = await Promise.all(UNITS.map((unit) => mainPid(machine, unit)));
  const same = UNITS.filter((_unit, i) => before[i] === after[i]);
  must(same.join() === BRAIN, `not restarted: ${same.join(", ")}`);
  await site.atWork();
}

/** As it is written there, for a bot that has a file only. */
function dropIn(): string {
  const text = readFileSync(join(ROOT, "examples", "guard.conf"), "utf8");
  const own = `--probe-file ${FOLDER}/alive --max-age-ms 2000 -- ${FOLDER}/bot`;
  const changed = text.replace(/(?<=^ExecStart=\S+ brain guard ).*$/m, own);
  must(changed !== text, "examples/guard.conf has no brain guard in it");
  return changed;
}

/** The account is flat and trading halted in time, and nothing that the bot has started lives. */
async function flatAndGone(site: Site, what: string, struckAt: number): Promise<Figure> {
  await site.untilFlat(criterionMs(TOTAL));
  await eventually(`${what}: trading is halted`, () => site.isHalted());
  const isGone = async (): Promise<boolean> => (await living(site)).length === 0;
  await eventually(`${what}: nothing of the bot is left`, isGone, GONE_MS).catch(async (error: unknown) => {
    throw new Error(`${String(error)}: ${(await living(site)).join(", ")}`);
  });
  return took(`${what} → flat`, site.lastFillMs() - struckAt, criterionMs(TOTAL));
}

/** Processes of the bot's user that are in its folder's records, by number. */
async function living(site: Site): Promise<readonly string[]> {
  const { stdout } = await site.machine.type(
    `for pid in $(cat ${FOLDER}/starts ${FOLDER}/children); do kill -0 $pid 2>/dev/null && echo $pid; done`,
  );
  return stdout.split("\n").filter(Boolean);
}

/** While trading is halted the guard waits, and starts nothing; with the reset it does. */
async function waitsForReset(site: Site): Promise<void> {
  const { machine } = site;
  await machine.must(`systemctl start --no-block ${BRAIN}`);
  const waits = async (): Promise<boolean> => (await site.log(BRAIN)).includes("The bot is not started");
  await eventually("the guard waits for the reset", waits, STARTED_MS);
  await Bun.sleep(WAITED_MS);
  must((await starts(site)) === 1, "the bot was started under a halt");
  await machine.must("quantum reset");
  await eventually("the bot is started", async () => (await starts(site)) === 2, STARTED_MS);
}

async function starts({ machine }: Site): Promise<number> {
  return Number(await machine.must(`wc -l < ${FOLDER}/starts`));
}
