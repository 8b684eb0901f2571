import { type Reading, unknown } from "../../core/reading.ts";
import type { Clock } from "../../ports/clock.ts";

/** What `ask` answers, or unknown for the reason `late` if it takes longer. What is late is not ended, only not waited for. */
export async function withinDeadline<T>(
  clock: Clock,
  deadlineMs: number,
  ask: () => Promise<Reading<T>>,
  late: string,
): Promise<Reading<T>> {
  const answered = new AbortController();
  const limit = clock.sleep(deadlineMs, answered.signal).then(() => unknown(late));
  const answer = await Promise.race([ask(), limit]);
  answered.abort();
  return answer;
}
