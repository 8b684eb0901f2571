import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { known, type Reading, unknown } from "../../core/reading.ts";
import { type Door, openDoor } from "./door.ts";
import type { OpenLine } from "./line.ts";
import { type Answer, doneAnswer, EVENT_BYTES_MAX } from "./protocol.ts";

const NEWLINE = 0x0a;

/**
 * Opens the worker's socket, for its own user alone. A socket that a former life has left is replaced.
 *
 * Unknown if it could not be opened: the worker then hears the bus and its other door only.
 */
export async function openUnixDoor(path: string, line: OpenLine): Promise<Reading<Pick<Door, "close">>> {
  const inWords = (answer: Answer): string => `${JSON.stringify(answer)}\n`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(path, { force: true });
    const door = await openDoor({
      at: { path },
      bytesMax: EVENT_BYTES_MAX,
      attend: (said, caller) => {
        const end = said.indexOf(NEWLINE);
        if (end < 0) return false;
        const hearing = line.hear(said.toString("utf8", 0, end));
        if (hearing.kind === "refused") {
          caller.hangUp(inWords({ refused: hearing.why }));
          return true;
        }
        caller.say(inWords({ heard: hearing.eventId }));
        void hearing.ending.then((ending) => caller.hangUp(inWords(doneAnswer(hearing.eventId, ending))));
        return true;
      },
    });
    chmodSync(path, 0o600);
    return known({
      close: () => {
        door.close();
        rmSync(path, { force: true });
      },
    });
  } catch (error) {
    return unknown(`the socket ${path} can't be opened: ${error instanceof Error ? error.message : String(error)}`);
  }
}
