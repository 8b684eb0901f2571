import type { Instant } from "../core/time.ts";

/** What is to happen when. */
export interface Timer {
  readonly at: Instant;
  /** Timers of the same instant fire in the order they were set. */
  readonly order: number;
  /** Null: cancelled. It keeps its place until its time comes. */
  fire: (() => void) | null;
}

/** Timers, the next one first: a binary heap. */
export class Timers {
  readonly #heap: Timer[] = [];
  #order = 0;

  /** Sets one; returns how to cancel it, which does nothing once it has fired. */
  set(at: Instant, fire: () => void): () => void {
    const timer: Timer = { at, order: this.#order++, fire };
    this.#rise(timer);
    return () => {
      timer.fire = null;
    };
  }

  /** Takes out the next one that is due by then; null: none is. */
  next(until: Instant): { readonly at: Instant; readonly fire: () => void } | null {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.at > until) return null;
      this.#takeFirst();
      const { at, fire } = first;
      if (fire !== null) return { at, fire };
    }
  }

  /** Puts it at the end, and before whoever is later than it. */
  #rise(timer: Timer): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = heap[above];
      if (other === undefined || isBefore(other, timer)) break;
      heap[place] = other;
      place = above;
    }
    heap[place] = timer;
  }

  /** The last one goes in at the top, and below whoever is earlier than it. */
  #takeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      const [left, right] = [heap[2 * place + 1], heap[2 * place + 2]];
      const isRight = left !== undefined && right !== undefined && isBefore(right, left);
      const earlier = isRight ? right : left;
      if (earlier === undefined || isBefore(last, earlier)) break;
      heap[place] = earlier;
      place = 2 * place + (isRight ? 2 : 1);
    }
    heap[place] = last;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
