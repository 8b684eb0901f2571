import { courier } from "../../adapters/alerts/courier.ts";
import { type Target, telegram, webhook } from "../../adapters/alerts/target.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { hostLog } from "../../adapters/host/log.ts";
import { hostStdout } from "../../adapters/host/stdout.ts";
import { datagramsTo } from "../../adapters/systemd/datagram.ts";
import { JOURNAL_SOCKET, journalLog } from "../../adapters/systemd/journal-log.ts";
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

/** Opens a role's log: in the journal or on stdout, and its alarms to whoever is to be told, a defect that ends the role included. */
export function openRoleLog(role: BeatingRole, config: LogConfig, alerts: AlertsConfig, lastWords: LastWords): RoleLog {
  const log = openLog(role, config);
  const targets = alertTargets(alerts);
  const whole = targets.length === 0 ? { log, end: () => Promise.resolve() } : withAlerts(role, log, targets);
  lastWords.tell = async (why) => {
    whole.log.write("critical", `Ended by a defect: ${why}`, "alarm");
    await whole.end();
  };
  return whole;
}

function withAlerts(role: BeatingRole, log: Log, targets: readonly Target[]): RoleLog {
  const sending = courier({ role, targets, clock: hostClock, log });
  const alerting = alertingLog(log, sending, hostClock);
  const end = async (): Promise<void> => {
    alerting.end();
    await sending.end();
  };
  return { log: alerting, end };
}

function openLog(role: BeatingRole, config: LogConfig): Log {
  if (!config.journal) return hostLog({ role, ...config });
  return journalLog({ role, level: config.level, datagrams: datagramsTo(JOURNAL_SOCKET), stdout: hostStdout() });
}

/** Everyone who is to be told. */
export function alertTargets({ webhooks, telegram: chat }: AlertsConfig): readonly Target[] {
  const name = (i: number): string => (webhooks.length === 1 ? "the webhook" : `webhook ${i + 1}`);
  const targets = webhooks.map((url, i) => webhook(name(i), url, hostClock));
  return chat === null ? targets : [...targets, telegram(chat, hostClock)];
}
