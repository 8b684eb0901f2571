import { courier } from "../../adapters/alerts/courier.ts";
import { type Target, telegram, webhook } from "../../adapters/alerts/target.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { hostLog } from "../../adapters/host/log.ts";
import type { AlertsConfig } from "../../config/alerts.ts";
import type { LogConfig } from "../../config/log.ts";
import type { BeatingRole } from "../../ports/bus.ts";
import type { Log } from "../../ports/log.ts";
import { alertingLog } from "../../roles/alerting-log.ts";
import type { LastWords } from "../io.ts";

/** A role's log, and how it ends. */
export interface RoleLog {
  readonly log: Log;
  /** Waits for the alerts that are under way, a second at most. */
  end(): Promise<void>;
}

/** Opens a role's log: on stdout, and its alarms to whoever is to be told, a defect that ends the role included. */
export function openRoleLog(role: BeatingRole, config: LogConfig, alerts: AlertsConfig, lastWords: LastWords): RoleLog {
  const log = hostLog({ role, ...config });
  const targets = alertTargets(alerts);
  if (targets.length === 0) return { log, end: () => Promise.resolve() };
  const sending = courier({ role, targets, clock: hostClock, log });
  const alerting = alertingLog(log, sending, hostClock);
  const end = async (): Promise<void> => {
    alerting.end();
    await sending.end();
  };
  lastWords.tell = async (why) => {
    alerting.write("critical", `Ended by a defect: ${why}`, "alarm");
    await end();
  };
  return { log: alerting, end };
}

/** Everyone who is to be told. */
export function alertTargets({ webhooks, telegram: chat }: AlertsConfig): readonly Target[] {
  const name = (i: number): string => (webhooks.length === 1 ? "the webhook" : `webhook ${i + 1}`);
  const targets = webhooks.map((url, i) => webhook(name(i), url, hostClock));
  return chat === null ? targets : [...targets, telegram(chat, hostClock)];
}
