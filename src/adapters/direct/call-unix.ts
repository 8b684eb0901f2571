import { Buffer } from "node:buffer";
import { connect } from "node:net";
import type { Ending, PanicEvent } from "../../core/messages.ts";
import { known, type Reading, unknown } from "../../core/reading.ts";
import type { CallPatience, DirectWay } from "./call.ts";
import { eventText, parseAnswer } from "./protocol.ts";

const NEWLINE = 0x0a;

/** An answer longer than this is none of the worker's: an account may have some hundred legs open. */
const SAID_BYTES_MAX = 1_000_000;

/** The way by the worker's socket, on this machine. */
export function bySocket(path: string): DirectWay {
  return { name: path, call: (event, triggerSecret, patience) => call(path, event, triggerSecret, patience) };
}

function call(
  path: string,
  event: PanicEvent,
  triggerSecret: string | null,
  patience: CallPatience,
): Promise<Reading<Ending | null>> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    let heard = false;
    let said = Buffer.alloc(0);
    let timer: ReturnType<typeof setTimeout>;
    const settle = (reading: Reading<Ending | null>): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reading);
    };
    const lost = (why: string): void => settle(heard ? known(null) : unknown(`${path}: ${why}`));
    timer = setTimeout(() => lost(`no answer within ${patience.heardMs} ms`), patience.heardMs);
    socket.once("connect", () => socket.write(`${eventText(event, triggerSecret)}\n`));
    socket.once("error", (error) => lost(error.message));
    socket.once("close", () => lost("the worker hung up"));
    socket.on("data", (bytes: Buffer) => {
      // Whole, and only then as text: a character may come in two pieces.
      said = Buffer.concat([said, bytes]);
      for (let end = said.indexOf(NEWLINE); end >= 0; end = said.indexOf(NEWLINE)) {
        const answer = parseAnswer(said.toString("utf8", 0, end));
        said = said.subarray(end + 1);
        if (answer === null) return lost("the worker's answer can't be read");
        if ("refused" in answer) return settle(unknown(`${path}: the worker refuses it: ${answer.refused}`));
        if ("done" in answer) return settle(known({ outcome: answer.outcome, open: answer.open }));
        heard = true;
        if (patience.doneMs === 0) return settle(known(null));
        clearTimeout(timer);
        timer = setTimeout(() => settle(known(null)), patience.doneMs);
      }
      if (said.length > SAID_BYTES_MAX) lost("the worker's answer is too long");
    });
  });
}
