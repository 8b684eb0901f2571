import { after } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";

/** The first complaint is told at once; how many more there were, after this. */
const TELL_EVERY_MS = 60_000;

/** What is refused at a door, told so that nobody can fill a disk or a phone with it. */
export class Complaints {
  readonly #clock: Clock;
  readonly #log: Log;
  #untold = 0;
  /** Null: the next one is told at once. */
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  tell(text: string): void {
    if (this.#cancel !== null) {
      this.#untold += 1;
      return;
    }
    this.#write(text);
  }

  end(): void {
    this.#cancel?.();
  }

  #write(text: string): void {
    this.#log.write("critical", text, "alarm");
    this.#cancel = this.#clock.at(after(this.#clock.now(), TELL_EVERY_MS), () => {
      const untold = this.#untold;
      this.#untold = 0;
      this.#cancel = null;
      if (untold > 0) this.#write(`Refused on the direct line: ${untold} more calls within ${TELL_EVERY_MS / 1_000} s`);
    });
  }
}
