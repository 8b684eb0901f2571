/** The drill of `quantum chaos`, against the units. */

import { must } from "../../faults/case.ts";
import { counted, type Figure, type SystemdCase, took } from "../case.ts";

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

export const DRILL_CASES: readonly SystemdCase[] = METHODS.map((method) => ({
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
