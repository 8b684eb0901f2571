/** What `quantum doctor` found, as terminal text or as a JSON document; no decisions. */

import type { Alert } from "../core/alert.ts";
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
  exit_policy: "Exit policy",
  state_directory: "State directory",
  direct_line: "Direct line",
  last_drill: "Last drill",
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

/** Characters of one finding in a message: sixteen of them stay well under the 4096 of Telegram's sendMessage. */
const FINDING_CHARS_MAX = 220;

/** What is not fit, as a message to people; null where all is. Warnings are left out: a message a day about them is not read. */
export function checkupNews(findings: readonly Finding[]): Alert | null {
  const failed = findings.filter(({ verdict }) => verdict === "fail");
  if (failed.length === 0) return null;
  const settings = findings.find(({ check }) => check === "settings")?.found ?? "";
  const lines = failed.map(({ check, found, advice }) => {
    const line = `${TITLES[check]}: ${found}${advice === null ? "" : `: ${advice}`}`.replaceAll(/[\r\n]+/g, " ");
    return line.length <= FINDING_CHARS_MAX ? line : `${line.slice(0, FINDING_CHARS_MAX - 1)}…`;
  });
  const head = `Not fit to guard this account: ${failed.length} of ${findings.length} checks failed`;
  return news([head, settings, ...lines].join("\n"));
}

/** The message where the settings can't be used, so that nothing could be checked. */
export function checkupRefusedNews(why: string): Alert {
  return news(`Not fit to guard this account, nothing could be checked: ${why.replaceAll(/[\r\n]+/g, " ")}`);
}

function news(text: string): Alert {
  return { level: "warn", text, eventId: null, incidentId: null };
}

function word(verdict: Verdict, colour: boolean): string {
  const text = (verdict === "fail" ? "FAIL" : verdict).padEnd(4);
  return colour ? `${COLOURS[verdict]}${text}\u001b[0m` : text;
}
