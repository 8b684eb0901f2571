import type { Reading } from "../core/reading.ts";
import { after, type Instant } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

/** A question that is asked at most once in `ms`: in between its last answer is given again, unless that was none. */
export function atMostEvery<T>(clock: Clock, ms: number, ask: () => Promise<Reading<T>>): () => Promise<Reading<T>> {
  let last: { readonly answer: Reading<T>; readonly until: Instant } | null = null;
  return async () => {
    if (last?.answer.known === true && clock.now() < last.until) return last.answer;
    const until = after(clock.now(), ms);
    const answer = await ask();
    last = { answer, until };
    return answer;
  };
}
