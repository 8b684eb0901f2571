/** The drill of `quantum chaos`, against the units. */

import { must } from "../../faults/case.ts";
import { counted, type Figure, type SystemdCase, took } from "../case.ts";
import { properties } from "../units.ts";

/** Five heartbeats, the runbook's fifteen seconds, the recovery and its quiet. */
const DRILL_MS = 90_000;

interface Document {
  readonly passed: boolean;
  readonly target: string;
  readonly checks: readonly {
    readonly name: string;
    readonly measured: number | boolean | null;
    readonly limit: number | boolean;
    readonly passed: boolean;
  }[];
}

const METHODS = ["sigkill", "sigterm", "sigstop"] as const;

const BY_METHOD: readonly SystemdCase[] = METHODS.map((method) => ({
  name: `drill-${method}`,
  caused: `quantum chaos --yes --method ${method}, on the machine`,
  holds: "the runbook's drill passes against these units, and recovers",
  run: async ({ machine }): Promise<readonly Figure[]> => {
    const line = `quantum chaos --yes --json --method ${method}`;
    const { code, stdout, stderr } = await machine.type(line, { limitMs: DRILL_MS });
    must(code === 0 || code === 1, `quantum chaos ended with ${code}:\n${stderr}`);
    const { passed, target, checks } = JSON.parse(stdout) as Document;
    const failed = checks.filter((check) => !check.passed).map(({ name, measured }) => `${name}: ${measured}`);
    must(passed && code === 0, `the drill failed, ${failed.join(", ") || "in its recovery"}:\n${stderr}`);
    must(target === "live", `the drill's target was ${target}`);
    return checks.flatMap(({ name, measured, limit }) => {
      if (typeof measured !== "number" || typeof limit !== "number") return [];
      return [name.endsWith("_ms") ? took(name, measured, limit) : counted(name, measured, limit)];
    });
  },
}));

export const DRILL_CASES: readonly SystemdCase[] = [
  ...BY_METHOD,
  {
    name: "drill-by-timer",
    caused: "systemctl start quantum-chaos, as its timer does every month",
    holds: "the drill passes, its verdict is kept, and status and doctor show it",
    run: async ({ machine }) => {
      const before = await machine.type("quantum status");
      must(before.stdout.includes("no drill"), `before the drill, status says: ${before.stdout}`);
      const beganAt = Date.now();
      await machine.must("systemctl start quantum-chaos", { limitMs: DRILL_MS });
      const tookMs = Date.now() - beganAt;
      const kept = await machine.must("redis-cli XREVRANGE quantum:drills + - COUNT 1");
      must(/^passed$/m.test(kept), `on record is:\n${kept}`);
      const [status, doctor] = await Promise.all([machine.type("quantum status"), machine.type("quantum doctor")]);
      must(/drill.*passed/i.test(status.stdout), `status says: ${status.stdout}`);
      must(/^ok +.*drill/im.test(doctor.stdout), `doctor says: ${doctor.stdout}`);
      return [took("the drill", tookMs)];
    },
  },
  {
    name: "drill-on-real-money",
    caused: "BINANCE_TESTNET=false in the settings, then systemctl start quantum-chaos",
    holds: "it is skipped, nothing is struck, and no unit has failed",
    run: async (site) => {
      const { machine } = site;
      await machine.must("sed -i 's/^BINANCE_TESTNET=.*/BINANCE_TESTNET=false/' /etc/quantum/quantum.env");
      await machine.must("systemctl start quantum-chaos");
      await machine.must("sed -i 's/^BINANCE_TESTNET=.*/BINANCE_TESTNET=true/' /etc/quantum/quantum.env");
      const { Result, ExecMainStartTimestamp } = await properties(
        machine,
        "quantum-chaos.service",
        "Result",
        "ExecMainStartTimestamp",
      );
      must(Result === "exec-condition", `quantum-chaos.service ended with ${Result} (${ExecMainStartTimestamp})`);
      const state = (await machine.type("systemctl is-system-running")).stdout.trim();
      must(state === "running", `systemctl is-system-running says ${state}`);
      await site.atWork();
      must((await site.events()).length === 0, "the brain was struck");
      return [];
    },
  },
];
