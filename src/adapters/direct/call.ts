import { connect } from "node:net";
import type { Outcome, PanicEvent } from "../../core/messages.ts";
import { known, type Reading, unknown } from "../../core/reading.ts";
import { panicFields } from "../redis/codec.ts";
import { sign } from "../redis/signature.ts";
import { answerShape } from "./protocol.ts";

/** How long a call may take. */
export interface CallPatience {
  /** Until the worker says that it has heard; it answers at once or not at all. */
  readonly heardMs: number;
  /** From then on until it says what came of it; 0: not waited for. */
  readonly doneMs: number;
}

/** What came of a call. */
export interface Called {
  /** Null: not waited for, or not said in time. The worker goes on all the same. */
  readonly done: { readonly outcome: Outcome; readonly open: readonly string[] } | null;
}

/** Calls the worker by its socket. Unknown, with the reason, unless it says that it has heard. Never rejects. */
export function callDirect(
  path: string,
  event: PanicEvent,
  triggerSecret: string | null,
  patience: CallPatience,
): Promise<Reading<Called>> {
  const fields = panicFields(event, triggerSecret === null ? null : sign(triggerSecret, event));
  const pairs = fields.flatMap((name, i) => (i % 2 === 0 ? [[name, fields[i + 1] ?? ""]] : []));
  return new Promise((resolve) => {
    const socket = connect({ path });
    let heard = false;
    let text = "";
    let timer: ReturnType<typeof setTimeout>;
    const settle = (reading: Reading<Called>): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reading);
    };
    const lost = (why: string): void => settle(heard ? known({ done: null }) : unknown(`${path}: ${why}`));
    timer = setTimeout(() => lost(`no answer within ${patience.heardMs} ms`), patience.heardMs);
    socket.once("connect", () => socket.write(`${JSON.stringify(Object.fromEntries(pairs))}\n`));
    socket.once("error", (error) => lost(error.message));
    socket.once("close", () => lost("the worker hung up"));
    socket.on("data", (bytes) => {
      text += bytes.toString("utf8");
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const answer = parse(text.slice(0, end));
        text = text.slice(end + 1);
        if (answer === null) return lost("the worker's answer can't be read");
        if ("refused" in answer) return settle(unknown(`${path}: the worker refuses it: ${answer.refused}`));
        if ("done" in answer) return settle(known({ done: { outcome: answer.outcome, open: answer.open } }));
        heard = true;
        if (patience.doneMs === 0) return settle(known({ done: null }));
        clearTimeout(timer);
        timer = setTimeout(() => settle(known({ done: null })), patience.doneMs);
      }
    });
  });
}

function parse(line: string): ReturnType<typeof answerShape.parse> | null {
  try {
    return answerShape.parse(JSON.parse(line));
  } catch {
    return null;
  }
}
