import type { Alert } from "../core/alert.ts";

/** Where alerts go: to people, wherever they are. */
export interface Alerts {
  /**
   * Takes an alert and returns at once. Never throws and never waits: delivery is tried beside the role, a few times, and
   * what could not be delivered is told in the log. An alert may arrive twice, and with a full queue the oldest is lost.
   */
  send(alert: Alert): void;
}
