/** Who trips, whether there was a reason (S1, S2), and how long it took from the brain's last heartbeat until the account was flat. */

import type { Instant } from "../../../src/core/time.ts";
import { WATCHDOG_LIMITS } from "../../../src/core/watchdog-state.ts";
import type { Part, Troubles } from "./troubles.ts";
import type { Break, Truth } from "./witness.ts";

/** A death or a loss that somebody noticed. */
export interface Incident {
  readonly by: Part;
  readonly reason: string;
  readonly trippedAt: Instant;
  /** Since the brain's last heartbeat that was confirmed; null: there was none. */
  readonly silenceMs: number | null;
  /** From the trip to the last fill; null: not yet, or nothing was open. */
  flatMs: number | null;
}

/** The watchdog's limit, on a clock that runs a little fast. */
const SILENCE_MIN_MS = 0.99 * WATCHDOG_LIMITS.heartbeatMissingMs;

/** The incidents of one run. */
export class Incidents {
  readonly #truth: Truth;
  readonly #troubles: Troubles;
  readonly #break: Break;
  readonly #raised = new Set<string>();
  readonly all: Incident[] = [];
  /** When the last incident began, a violated halt included. */
  lastBeganAt = 0 as Instant;
  /** Those with something open still. */
  #open: Incident[] = [];
  #brainHeardAt: Instant | null = null;

  constructor(truth: Truth, troubles: Troubles, fails: Break) {
    this.#truth = truth;
    this.#troubles = troubles;
    this.#break = fails;
  }

  /** A heartbeat of the brain that was sent then is confirmed. */
  brainHeard(sentAt: Instant): void {
    this.#brainHeardAt = Math.max(sentAt, this.#brainHeardAt ?? 0) as Instant;
  }

  /** A role raises an incident. */
  trips(who: Part, incidentId: string, reason: string): void {
    if (this.#raised.has(incidentId)) return;
    this.#raised.add(incidentId);
    const now = this.#truth.time.now();
    this.lastBeganAt = now;
    if (reason.startsWith("HALT_VIOLATED")) return;
    const silenceMs = this.#brainHeardAt === null ? null : now - this.#brainHeardAt;
    const incident: Incident = { by: who, reason, trippedAt: now, silenceMs, flatMs: null };
    this.all.push(incident);
    if (this.#truth.left().length > 0) this.#open.push(incident);
    this.#judge(who, reason, silenceMs);
  }

  /** A brain raises one over a loss, which `exit-panic-watch.ts` judges. */
  brainTrips(): void {
    this.lastBeganAt = this.#truth.time.now();
  }

  /** Looks whether what was open is flat by now. */
  look(): void {
    if (this.#open.length === 0 || this.#truth.left().length > 0) return;
    const flatAt = this.#truth.lastFillAt() ?? this.#truth.time.now();
    for (const incident of this.#open) incident.flatMs = Math.max(0, flatAt - incident.trippedAt);
    this.#open = [];
  }

  /** S1: nobody trips where all is well. S2: what is said to be silent was silent. */
  #judge(who: Part, reason: string, silenceMs: number | null): void {
    const excuse = (part: Part): boolean => this.#troubles.excuse(part);
    const parts = partsOf(who, reason);
    if (!parts.some(excuse)) this.#break("S1", `${who} trips with ${reason}, and ${parts.join(", ")} were well`);
    if (excuse("redis") || excuse(who)) return;
    if (reason.startsWith("WATCHDOG_LOST") && !(excuse("wd1") && excuse("wd2")))
      this.#break("S2", `${who} trips with ${reason}, and a watchdog was well`);
    const isOfBrain = /^(?:EXIT_BRAIN_HEARTBEAT_MISSING|WATCHDOG_LOST)/.test(reason);
    if (isOfBrain && silenceMs !== null && silenceMs < SILENCE_MIN_MS)
      this.#break("S2", `${who} trips with ${reason}, ${Math.round(silenceMs)} ms after the brain was heard`);
  }
}

/** Whose trouble explains it. */
function partsOf(who: Part, reason: string): readonly Part[] {
  return reason.startsWith("REDIS_LOST") ? ["redis", who] : ["redis", who, "brain"];
}
