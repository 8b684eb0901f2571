/** S6: a brain whose heartbeats are not confirmed has fenced itself, a second before it could be given up. */

import { BRAIN_LIMITS } from "../../../src/core/brain.ts";
import type { Heartbeat } from "../../../src/core/messages.ts";
import type { Instant } from "../../../src/core/time.ts";
import type { Life } from "../../../src/sim/world/host.ts";
import type { Break } from "./witness.ts";

/** What each brain has heard of its own heartbeats. */
export class FenceWatch {
  readonly #break: Break;
  /** By process: when the last heartbeat that was confirmed was sent, on the process's own clock. */
  readonly #confirmed = new Map<Life, Instant>();

  constructor(fails: Break) {
    this.#break = fails;
  }

  /** The bus has the heartbeat that was sent then. */
  confirmed(life: Life, sentAt: Instant): void {
    this.#confirmed.set(life, Math.max(sentAt, this.#confirmed.get(life) ?? 0) as Instant);
  }

  /** A heartbeat says whether the brain may act. */
  beats(life: Life, { details }: Heartbeat, now: Instant): void {
    const last = this.#confirmed.get(life);
    if (last === undefined || now - last < BRAIN_LIMITS.fenceMs || details?.state === "fenced") return;
    this.#break(
      "S6",
      `${life.host.name} is not fenced ${Math.round(now - last)} ms after its last confirmed heartbeat`,
    );
  }
}
