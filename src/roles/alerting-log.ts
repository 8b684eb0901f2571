import { ALERT_LIMITS, type AlertEvent, deadline, NO_ALERTS, step } from "../core/alert.ts";
import type { Alerts } from "../ports/alerts.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

/** A log that people are told about, too. */
export interface AlertingLog extends Log {
  /** Hands over what is still being gathered. */
  end(): void;
}

/** Writes every line to `log`, and sends those that people must hear as alerts. The line is written first. */
export function alertingLog(log: Log, alerts: Alerts, clock: Clock): AlertingLog {
  let state = NO_ALERTS;
  let cancel: (() => void) | null = null;

  function take(event: AlertEvent): void {
    const [next, alert] = step(ALERT_LIMITS, state, event, clock.now());
    state = next;
    cancel?.();
    const at = deadline(ALERT_LIMITS, state);
    cancel = at === null ? null : clock.at(at, () => take({ kind: "timer" }));
    if (alert !== null) alerts.send(alert);
  }

  return {
    write: (level, text, mark, about) => {
      log.write(level, text, mark, about);
      take({ kind: "line", level, text, mark, about });
    },
    end: () => take({ kind: "end" }),
  };
}
