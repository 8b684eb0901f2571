import { createHash } from "node:crypto";
import type { Clock } from "../../ports/clock.ts";

/** What happened, when, and to whom: a line each. Two runs are the same if their hashes are. */
export class Trace {
  readonly #clock: Pick<Clock, "now">;
  readonly #hash = createHash("sha256");
  readonly lines: string[] = [];

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Writes a line. */
  tell(who: string, what: string): void {
    const line = `${this.#clock.now().toFixed(3).padStart(11)} ${who.padEnd(9)} ${what}`;
    this.#hash.update(line).update("\n");
    this.lines.push(line);
  }

  /** Whether that has been told of somebody since then. */
  tellsOf(who: string, what: RegExp, since: number): boolean {
    return this.lines.some((line) => {
      const [at = "", name] = line.trim().split(/\s+/, 2);
      return name === who && Number(at) >= since && what.test(line);
    });
  }

  /** The hash over all lines. No line can be written after it. */
  digest(): string {
    return this.#hash.digest("hex");
  }
}
