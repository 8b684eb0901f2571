/** What `quantum doctor` found, as terminal text or as a JSON document; no decisions. */

import { type CheckName, type Finding, isFit, type Verdict } from "../core/checkup.ts";

const TITLES: Readonly<Record<CheckName, string>> = {
  settings: "Settings",
  redis: "Redis",
  redis_memory: "Redis memory",
  redis_disk: "Redis disk",
  redis_write: "Redis writes",
  halt: "Halt",
  venue: "Venue",
  clock: "Clock",
  key: "API key",
  account: "Account",
  position_mode: "Position mode",
  order_limits: "Order limits",
  positions: "Positions",
  resting_orders: "Resting orders",
  state_directory: "State directory",
  direct_line: "Direct line",
  alerts: "Alerts",
};

/** Green, yellow and red, as everywhere. */
const COLOURS: Readonly<Record<Verdict, string>> = { ok: "\u001b[32m", warn: "\u001b[33m", fail: "\u001b[1;31m" };

/** `doctor --json`. */
export function checkupDocument(findings: readonly Finding[]): object {
  const checks = findings.map(({ check, verdict, found, advice }) => ({ name: check, result: verdict, found, advice }));
  return { healthy: isFit(findings), checks };
}

/** `doctor` for people: one line per check, then what to do. */
export function renderCheckup(findings: readonly Finding[], colour: boolean): string {
  const lines = findings.map(
    ({ check, verdict, found }) => `${word(verdict, colour)}  ${TITLES[check].padEnd(15)}  ${found}`,
  );
  const todo = findings.flatMap(({ check, advice }) => (advice === null ? [] : [`  - ${TITLES[check]}: ${advice}`]));
  if (todo.length > 0) lines.push("What to do:", ...todo);
  const failed = findings.filter(({ verdict }) => verdict === "fail").length;
  lines.push(failed === 0 ? "Healthy" : `Not healthy: ${failed} of ${findings.length} checks failed`);
  return lines.join("\n");
}

function word(verdict: Verdict, colour: boolean): string {
  const text = (verdict === "fail" ? "FAIL" : verdict).padEnd(4);
  return colour ? `${COLOURS[verdict]}${text}\u001b[0m` : text;
}
