import type { Unread } from "../core/reading.ts";

/** What was told of an outage of the bus: once that it began, and once more if it turns out that a person is needed. */
export class Outage {
  #told: "nothing" | "that it began" | "that a person is needed" = "nothing";

  /** Whether the last answer was none. */
  lasts(): boolean {
    return this.#told !== "nothing";
  }

  /** Takes in an answer that is none; true if it is news. */
  goesOn({ needsPerson = false }: Unread): boolean {
    const before = this.#told;
    if (needsPerson) this.#told = "that a person is needed";
    else if (before === "nothing") this.#told = "that it began";
    return this.#told !== before;
  }

  /** The bus answers; true if that is news. */
  ends(): boolean {
    const before = this.#told;
    this.#told = "nothing";
    return before !== "nothing";
  }
}
