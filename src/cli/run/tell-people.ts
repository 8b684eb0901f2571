import { COURIER_LIMITS, courier } from "../../adapters/alerts/courier.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import type { AlertsConfig } from "../../config/alerts.ts";
import type { Alert } from "../../core/alert.ts";
import type { Io } from "../io.ts";
import { alertTargets } from "./role-log.ts";

/** A command has nothing else to do: all four tries of a delivery, and what comes between them, fit (`COURIER_LIMITS`). */
const DELIVERED_WITHIN_MS = 25_000;

/**
 * Sends one alert of a command to everyone who is to be told, and waits until it is there or given up. What could not be
 * delivered is told on stderr. Never rejects.
 */
export async function tellPeople(config: AlertsConfig, who: string, alert: Alert, io: Pick<Io, "err">): Promise<void> {
  const targets = alertTargets(config);
  if (targets.length === 0) return;
  const limits = { ...COURIER_LIMITS, endMs: DELIVERED_WITHIN_MS };
  const log = { write: (_level: string, text: string): void => io.err(text) };
  const sending = courier({ role: who, targets, clock: hostClock, log, limits });
  sending.send(alert);
  await sending.end();
}
