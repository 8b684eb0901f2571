/** Leaves on the bus what a brain does, for people to read. Nothing depends on it. */

import type { BrainNote } from "../core/brain-note.ts";
import type { Reading } from "../core/reading.ts";
import type { Clock } from "../ports/clock.ts";
import type { StreamName, VenueStream } from "../ports/venue-stream.ts";

/** What has changed is on the bus after about so long. */
const LOOK_MS = 1_000;
/** Written again so often although nothing has changed: a Redis that has lost its data gets it back. */
const AGAIN_MS = 10_000;

/** What it works with. */
interface NoteWorld {
  readonly clock: Clock;
  /** Writes the note over the one before. Never rejects. */
  write(note: BrainNote): Promise<Reading<null>>;
}

/** Keeps the note on the bus, as it is each time it is asked for, until `signal` aborts. It can hold up nothing. */
export async function keepNote(
  { clock, write }: NoteWorld,
  noteNow: () => BrainNote,
  signal: AbortSignal,
): Promise<void> {
  let written = "";
  let writtenAt = clock.now();
  while (!signal.aborted) {
    const note = noteNow();
    const text = JSON.stringify(note);
    if (text !== written || clock.now() - writtenAt >= AGAIN_MS) {
      writtenAt = clock.now();
      written = (await write(note)).known ? text : "";
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

/** The streams, with their names noted in `quiet` for as long as they are not to be relied on. */
export function notingQuiet(stream: VenueStream, quiet: Set<StreamName>): VenueStream {
  return {
    run: (wants, signal) =>
      stream.run(
        {
          wants: (symbol) => wants.wants(symbol),
          emit: (event) => {
            if (event.kind === "flowing") quiet.delete(event.which);
            if (event.kind === "quiet") quiet.add(event.which);
            wants.emit(event);
          },
        },
        signal,
      ),
  };
}
