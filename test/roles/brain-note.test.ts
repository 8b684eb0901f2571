import { expect, test } from "bun:test";
import type { BrainNote } from "../../src/core/brain-note.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { StreamEvent, StreamName, VenueStream } from "../../src/ports/venue-stream.ts";
import { keepNote, notingQuiet } from "../../src/roles/brain-note.ts";
import { VirtualClock } from "../../src/sim/clock.ts";

async function pass(clock: VirtualClock, ms: number): Promise<void> {
  await clock.runUntil(() => false, ms);
}

/** A note that is kept on virtual time; `answer` is what comes of a write. */
function kept(answer: () => Reading<null>) {
  const clock = new VirtualClock(0 as UnixMillis);
  const written: (readonly [ms: number, kind: string])[] = [];
  const end = new AbortController();
  let note: BrainNote = { instanceId: "i", work: { kind: "watch" } };
  const write = async ({ work }: BrainNote): Promise<Reading<null>> => {
    written.push([Math.round(clock.now()), work.kind]);
    return answer();
  };
  const over = keepNote({ clock, write }, () => note, end.signal);
  const change = (work: BrainNote["work"]): void => {
    note = { ...note, work };
  };
  return { clock, written, end, over, change };
}

test("a note is written at once, when it changes, and again every ten seconds", async () => {
  const { change, clock, end, over, written } = kept(() => known(null));
  await pass(clock, 2_500);
  change({ kind: "guard" });
  await pass(clock, 11_000);
  expect(written).toEqual([
    [0, "watch"],
    [3_000, "guard"],
    [13_000, "guard"],
  ]);
  end.abort();
  await over;
});

test("one that was not confirmed is written again with the next look", async () => {
  let isLost = true;
  const { clock, written } = kept(() => (isLost ? unknown("connection refused") : known(null)));
  await pass(clock, 2_500);
  isLost = false;
  await pass(clock, 3_000);
  expect(written.map(([ms]) => ms)).toEqual([0, 1_000, 2_000, 3_000]);
});

test("a stream is noted for as long as it is quiet, and everything is told on", async () => {
  const events: StreamEvent[] = [
    { kind: "quiet", which: "marks", why: "it has dropped" },
    { kind: "quiet", which: "account", why: "it can't be opened" },
    { kind: "flowing", which: "account" },
    { kind: "account_changed" },
  ];
  const stream: VenueStream = { run: async ({ emit }) => events.forEach(emit) };
  const [quiet, told] = [new Set<StreamName>(), [] as StreamEvent[]];
  const wants = { wants: () => true, emit: (event: StreamEvent) => void told.push(event) };
  await notingQuiet(stream, quiet).run(wants, new AbortController().signal);
  expect([...quiet]).toEqual(["marks"]);
  expect(told).toEqual(events);
});
