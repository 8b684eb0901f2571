import type { Ending } from "../../core/messages.ts";
import { known, type Reading, unknown } from "../../core/reading.ts";
import { after } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import { type HttpPool, type HttpRequest, httpPool } from "../http/pool.ts";
import type { DirectWay } from "./call.ts";
import { type Answer, eventText, HTTP_PATH, parseAnswer, WAIT_MS_MAX } from "./protocol.ts";

/** The way of an answer that comes at the last moment. */
const ON_THE_WAY_MS = 1_000;

/**
 * The way by the worker's HTTP door at `origin`, such as `http://10.0.0.7:8702`. Said once to be heard, and once more to
 * wait for the outcome: that is harmless, and what is certain is known at once.
 */
export function byHttp(origin: string, clock: Clock): DirectWay {
  return {
    name: origin,
    call: async (event, triggerSecret, { heardMs, doneMs }) => {
      const pool = httpPool({ origin, connections: 1, clock });
      const text = eventText(event, triggerSecret);
      try {
        const heard = await post(pool, HTTP_PATH, text, heardMs);
        if (!heard.known) return unknown(`${origin}: ${heard.why}`);
        const until = after(clock.now(), doneMs);
        let answer: Reading<Answer> = heard;
        while (answer.known && !("done" in answer.value) && clock.now() < until) {
          const waitMs = Math.min(Math.ceil(until - clock.now()), WAIT_MS_MAX);
          answer = await post(pool, `${HTTP_PATH}?wait_ms=${waitMs}`, text, waitMs + ON_THE_WAY_MS);
        }
        return endingOf(answer);
      } finally {
        await pool.dispose();
      }
    },
  };
}

/** Null where it has heard, and the outcome is not known. */
function endingOf(answer: Reading<Answer>): Reading<Ending | null> {
  if (!answer.known || !("done" in answer.value)) return known(null);
  const { outcome, open } = answer.value;
  return known({ outcome, open });
}

/** Whether a worker's door is there, found out without saying an event. Never rejects. */
export async function workerAnswers(origin: string, clock: Clock): Promise<Reading<null>> {
  const pool = httpPool({ origin, connections: 1, clock });
  try {
    const answer = await ask(pool, { method: "GET", path: HTTP_PATH, headers: {}, deadlineMs: ON_THE_WAY_MS });
    return answer.known ? known(null) : unknown(`${origin}: ${answer.why}`);
  } finally {
    await pool.dispose();
  }
}

/** Known: it has heard. */
async function post(pool: HttpPool, path: string, body: string, deadlineMs: number): Promise<Reading<Answer>> {
  const headers = { "Content-Type": "application/json" };
  const answer = await ask(pool, { method: "POST", path, headers, body, deadlineMs });
  if (!answer.known || !("refused" in answer.value)) return answer;
  return unknown(`the worker refuses it: ${answer.value.refused}`);
}

async function ask(pool: HttpPool, request: HttpRequest): Promise<Reading<Answer>> {
  const outcome = await pool.send(request);
  if (outcome.kind === "no_answer") return unknown(outcome.why);
  const answer = parseAnswer(outcome.body);
  return answer === null
    ? unknown(`HTTP ${outcome.status}, and the answer can't be read as the worker's`)
    : known(answer);
}
