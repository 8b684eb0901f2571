/** One file that installs itself: upgrades, refusals, several accounts, users on Redis, and an end without a trace. */

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RawEntry } from "../../../src/adapters/redis/codec.ts";
import { must } from "../../faults/case.ts";
import { eventually } from "../../support/eventually.ts";
import { QUANTUM } from "../../support/run.ts";
import { type Figure, type SystemdCase, took } from "../case.ts";
import { active, criterionMs, killedAndFlat, TOTAL } from "../expect.ts";
import type { Machine } from "../machine.ts";
import { HEARTBEATS, type Site } from "../site.ts";
import { BRAIN, mainPid, UNITS } from "../units.ts";

/** Three restarts on a machine that is busy; a role that never gets ready is given up after its `TimeoutStartSec=30`. */
const INSTALL_MS = 90_000;
/** Longer than any limit that an upgrade could have broken. */
const QUIET_MS = 7_000;
/** Runbook, pass criteria: a heartbeat older than this is missing. */
const HEARTBEAT_MISSING_MS = 5_000;
const NEXT = "/root/quantum-next";
const SETTINGS = "/etc/quantum/quantum.env";

export const INSTALL_CASES: readonly SystemdCase[] = [
  {
    name: "install-again",
    caused: "quantum install --yes, a second time",
    holds: "nothing is written, nothing is restarted",
    run: async ({ machine }) => {
      const before = await pids(machine);
      const { stderr } = await machine.type("quantum install --yes");
      must(stderr.startsWith("Nothing to do: quantum "), `it said: ${stderr}`);
      must((await pids(machine)).join() === before.join(), "a role was restarted");
      return [];
    },
  },
  {
    name: "upgrade",
    caused: "another version installed over this one, with positions open and both cores busy",
    holds: "no heartbeat limit is missed, nobody is alarmed, settings and a disabled unit stay as they were",
    run: async (site) => {
      const { machine } = site;
      await machine.must(`echo '# mine' >> ${SETTINGS} && systemctl disable --quiet quantum-doctor.timer`);
      const before = await pids(machine);
      await machine.must("systemd-run --quiet --unit=load sh -c 'while :; do :; done & while :; do :; done'");
      const [commit, next] = anotherVersion(machine, (bytes) => bytes);
      const beganAt = Date.now();
      await machine.must(`${next} install --yes`, { limitMs: INSTALL_MS });
      const tookMs = Date.now() - beganAt;
      await site.atWork();
      await Bun.sleep(QUIET_MS);
      await machine.must("systemctl stop load");
      const events = await site.events();
      must(events.length === 0, `a false alarm: ${events[0]?.reason}`);
      must(site.openNow().length === site.opened.length, "something was closed");
      await active(machine, UNITS);
      const after = await pids(machine);
      must(
        after.every((pid, i) => pid !== before[i]),
        "a role still runs the version before",
      );
      const version = await machine.must("quantum --version");
      must(version.includes(commit), `quantum --version says ${version}`);
      must((await machine.must(`cat ${SETTINGS}`)).endsWith("# mine\n"), "the settings were changed");
      const enabled = (await machine.type("systemctl is-enabled quantum-doctor.timer")).stdout.trim();
      must(enabled === "disabled", `quantum-doctor.timer is ${enabled}`);
      await machine.must(`sed -i '/^# mine$/d' ${SETTINGS} && systemctl enable --quiet quantum-doctor.timer`);
      return [took("quantum install", tookMs), ...(await longestSilences(site))];
    },
  },
  {
    name: "upgrade-that-hangs",
    caused: "a version whose roles never get ready is installed over this one",
    holds: "everything is put back, this version works on, nobody is alarmed",
    run: async (site) => {
      const { machine } = site;
      const version = await machine.must("quantum --version");
      const [, next] = anotherVersion(machine, (bytes) => replaced(bytes, "READY=1", "READY=0"));
      const { code, stderr } = await machine.type(`${next} install --yes`, { limitMs: INSTALL_MS });
      must(code === 1, `it ended with ${code}: ${stderr}`);
      must(stderr.trimEnd().endsWith("; everything is as it was before"), `it said: ${stderr}`);
      must((await machine.must("quantum --version")) === version, "the other version is still there");
      await site.atWork();
      await active(machine, UNITS);
      must((await site.events()).length === 0, "a false alarm");
      return await longestSilences(site);
    },
  },
  {
    name: "upgrade-under-a-halt",
    caused: "the brain is killed, and another version installed once the account is flat",
    holds: "it shows what it would do, and touches nothing",
    run: async (site) => {
      const { machine } = site;
      const killedAt = Date.now();
      await machine.must(`systemctl kill -s KILL ${BRAIN}`);
      const figures = await killedAndFlat(site, killedAt);
      const version = await machine.must("quantum --version");
      const [, next] = anotherVersion(machine, (bytes) => bytes);
      const { code, stdout, stderr } = await machine.type(`${next} install --yes`, { limitMs: INSTALL_MS });
      must(code === 2 && stderr.includes("Nothing was touched: trading is halted"), `${code}: ${stderr}`);
      must(stdout.includes("restart  quantum-emergency-exit-worker.service"), `it showed: ${stdout}`);
      must((await machine.must("quantum --version")) === version, "the version was changed under a halt");
      return figures;
    },
  },
  {
    name: "settings-that-would-not-start",
    caused: "BINANCE_TESTNET=maybe in the settings, then quantum install --restart --yes",
    holds: "it refuses, naming the setting, and every role works on",
    run: async (site) => {
      const { machine } = site;
      const before = await pids(machine);
      await machine.must(`sed -i 's/^BINANCE_TESTNET=.*/BINANCE_TESTNET=maybe/' ${SETTINGS}`);
      const { code, stderr } = await machine.type("quantum install --restart --yes");
      await machine.must(`sed -i 's/^BINANCE_TESTNET=.*/BINANCE_TESTNET=true/' ${SETTINGS}`);
      must(code === 2 && stderr.includes('/etc/quantum: BINANCE_TESTNET is "maybe"'), `${code}: ${stderr}`);
      must((await pids(machine)).join() === before.join(), "a role was restarted");
      return [];
    },
  },
  {
    name: "redis-users",
    caused: "quantum install --redis-users, a restart of Redis, then the brain is killed",
    holds: "each role works as its own user, Redis keeps them, and the exit goes its way",
    run: async (site) => {
      const { machine } = site;
      await machine.must("quantum install --redis-users --yes", { limitMs: INSTALL_MS });
      await machine.must("systemctl restart redis-server");
      await site.atWork();
      const clients = await machine.must("redis-cli CLIENT LIST");
      for (const user of ["quantum-brain", "quantum-watchdog", "quantum-eew"]) {
        must(clients.includes(` user=${user} `), `nobody is connected as ${user}`);
      }
      const killedAt = Date.now();
      await machine.must(`systemctl kill -s KILL ${BRAIN}`);
      const figures = await killedAndFlat(site, killedAt);
      await machine.must("quantum reset && systemctl start quantum-exit-brain");
      return figures;
    },
  },
  {
    name: "journal",
    caused: "the brain is killed",
    holds: "journalctl -p crit shows exactly the incident, and EVENT_ID finds it",
    run: async (site) => {
      const { machine } = site;
      const killedAt = Date.now();
      await machine.must(`systemctl kill -s KILL ${BRAIN}`);
      const figures = await killedAndFlat(site, killedAt);
      const { eventId } = await site.firstEvent(1_000);
      const isTold = async (): Promise<boolean> => (await site.log(UNITS[1] as string)).includes("ended FLAT");
      await eventually("the watchdog tells how it ended", isTold, 5_000);
      for (const unit of UNITS.slice(0, 2)) {
        const critical = await site.log(unit, "-p crit");
        const ofEvent = await site.log(unit, `EVENT_ID=${eventId}`);
        must(
          critical !== "" && critical === ofEvent,
          `-p crit and EVENT_ID differ for ${unit}:\n${critical}\n${ofEvent}`,
        );
      }
      const worker = (await site.log(UNITS[0] as string, "-p crit")).trimEnd().split("\n");
      must(
        worker[1] === "PANIC CLOSE EVENT RECEIVED",
        `the worker's incident begins with ${worker.slice(0, 3).join(" | ")}`,
      );
      must(worker.at(-2) === "PANIC CLOSE COMPLETE - SYSTEM HALTED", `it ends with ${worker.slice(-3).join(" | ")}`);
      return figures;
    },
  },
  {
    name: "accounts",
    caused: "quantum install --account second, started beside the first; then the second's brain is killed",
    holds: "the second account is flat and halted, the first works on",
    run: async (site) => {
      const { machine } = site;
      const key = { apiKey: "second-key", secret: "second-secret" };
      const openNow = site.addAccount(key, { symbol: "BTCUSDT", amount: "-0.01" });
      const settings = await machine.must(`cat ${SETTINGS}`);
      const line = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(settings)?.[1] ?? "";
      const shared = ["BINANCE_TESTNET", "BINANCE_BASE_URL", "BINANCE_CA_FILE"].map(
        (name) => [name, line(name)] as const,
      );
      const env = { ...Object.fromEntries(shared), BINANCE_API_KEY: key.apiKey, BINANCE_API_SECRET: key.secret };
      await machine.must("quantum install --account second --yes --start", { env, limitMs: INSTALL_MS });
      const isHealthy = async (): Promise<boolean> =>
        (await machine.type("quantum status --namespace second")).code === 0;
      await eventually("the second account is guarded", isHealthy, 15_000);
      const killedAt = Date.now();
      await machine.must("systemctl kill -s KILL quantum-exit-brain@second");
      await eventually("the second account is flat", () => openNow().length === 0, 15_000);
      const flatMs = Date.now() - killedAt;
      const isHalted = async (): Promise<boolean> =>
        (await site.redis("HGET", "second:system:state:trading", "halted")) === "true";
      must(await isHalted(), "trading of the second account is not halted");
      await site.atWork();
      must(site.openNow().length === site.opened.length, "something of the first account was closed");
      must((await site.events()).length === 0, "the first account has a panic");
      return [took("kill → flat", flatMs, criterionMs(TOTAL))];
    },
  },
  {
    name: "uninstall",
    caused: "quantum install --uninstall --yes",
    holds: "no file, unit, process or user of it is left",
    run: async ({ machine }) => {
      await machine.must("quantum install --uninstall --yes", { limitMs: INSTALL_MS });
      const places = "/etc /usr /var /opt /srv /root -xdev";
      const left = await machine.must(
        `find ${places} -iname '*quantum*' -not -path '/root/quantum*' -not -path '/var/log/*'`,
      );
      must(left === "", `it has left:\n${left}`);
      const units = await machine.must("systemctl list-units --all --no-legend 'quantum*'");
      must(units === "", `systemd still knows:\n${units}`);
      const processes = (await machine.type("pgrep -a quantum")).stdout;
      must(processes === "", `it still runs:\n${processes}`);
      const users = await machine.must("redis-cli ACL USERS");
      must(!users.includes("quantum"), `Redis still has:\n${users}`);
      const state = (await machine.type("systemctl is-system-running")).stdout.trim();
      must(state === "running", `systemctl is-system-running says ${state}`);
      return [];
    },
  },
];

/** This version under another commit, and changed as told; copied to the machine. */
function anotherVersion(machine: Machine, change: (bytes: Buffer) => Buffer): readonly [commit: string, path: string] {
  const [, commit = ""] = /\(([0-9a-f]{12})/.exec(execFileSync(QUANTUM, ["--version"], { encoding: "utf8" })) ?? [];
  must(commit !== "", "this executable was built without a commit: expected a clone of the repository");
  // Another one each time, for this machine may have had the last one already.
  const next = Date.now().toString(16).padStart(commit.length, "0").slice(-commit.length);
  const path = join(machine.root, NEXT);
  writeFileSync(path, change(replaced(readFileSync(QUANTUM), commit, next)));
  chmodSync(path, 0o755);
  must(existsSync(path), `${path} was not written`);
  return [next, NEXT];
}

/** Every occurrence, by a text of the same length; in the source and in its bytecode. */
function replaced(bytes: Buffer, from: string, to: string): Buffer {
  must(from.length === to.length, "the texts have different lengths");
  let found = 0;
  for (let at = bytes.indexOf(from); at !== -1; at = bytes.indexOf(from, at + 1)) {
    bytes.write(to, at);
    found += 1;
  }
  must(found > 0, `the executable does not contain ${from}`);
  return bytes;
}

function pids(machine: Machine): Promise<readonly number[]> {
  return Promise.all(UNITS.map((unit) => mainPid(machine, unit)));
}

/** The longest time between two heartbeats of each role in this case; over the brain's limit it would have been a death. */
async function longestSilences(site: Site): Promise<readonly Figure[]> {
  return await Promise.all(
    UNITS.map(async (unit) => {
      const stream = HEARTBEATS[unit] as string;
      const entries = (await site.redis("XRANGE", stream, "-", "+")) as readonly RawEntry[];
      const times = entries.map(([id]) => Number(id.split("-")[0]));
      const gaps = times.slice(1).map((time, i) => time - (times[i] ?? time));
      must(gaps.length > 5, `only ${times.length} heartbeats on ${stream}`);
      return took(`longest silence, ${stream}`, Math.max(...gaps), unit === BRAIN ? HEARTBEAT_MISSING_MS : null);
    }),
  );
}
