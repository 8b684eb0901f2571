import { createHash } from "node:crypto";
import type { Clock } from "../../ports/clock.ts";

/** What happened, when, and to whom: a line each. Two runs are the same if their hashes are. */
export class Trace {
  readonly #clock: Pick<Clock, "now">;
  readonly lines: string[] = [];

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Writes a line. */
  tell(who: string, what: string): void {
    this.lines.push(`${this.#clock.now().toFixed(3).padStart(11)} ${who.padEnd(9)} ${what}`);
  }

  /** The hash over all lines, each with its line feed. */
  digest(): string {
    return createHash("sha256")
      .update(this.lines.map((line) => `${line}\n`).join(""))
      .digest("hex");
  }
}
