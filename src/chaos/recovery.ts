/** The runbook's recovery procedure, followed and checked. */

import { isAlive } from "../core/overview.ts";
import type { UnixMillis } from "../core/time.ts";
import type { Bookmark } from "../ports/bus.ts";
import { type Stage, until } from "./stage.ts";

/** How the system came back. */
export interface Recovery {
  readonly passed: boolean;
  /** The first step that failed, with what was expected; null if none did. */
  readonly failure: string | null;
  readonly steps: readonly { readonly at: UnixMillis; readonly event: string }[];
}

/** How long each step may take. */
const STEP_MS = 15_000;
/** Longer than the heartbeat limit: a watchdog that judged the old heartbeat again would have published by then. */
const QUIET_MS = 6_000;

/** Clears the halt, restarts the brain, and waits for heartbeat, watchdog and quiet. */
export async function recover(stage: Stage, bookmark: Bookmark, eventId: string): Promise<Recovery> {
  const { bus, progress, supervisor } = stage;
  const steps: { at: UnixMillis; event: string }[] = [];
  const done = async (event: string): Promise<void> => {
    const now = await bus.now();
    if (now.known) steps.push({ at: now.value, event });
    progress(`recovery: ${event}`);
  };
  const failed = (failure: string): Recovery => ({ passed: false, failure, steps });

  const before = await bus.bookmark();
  if (!before.known) return failed(before.why);
  const cleared = await bus.clearHalt();
  if (!cleared.known) return failed(cleared.why);
  await done("halt cleared");
  const restarted = await supervisor.restart("brain");
  if (!restarted.known) return failed(restarted.why);
  await done(stage.victim === "brain" ? "brain restarted" : "guard and bot restarted");

  const beating = await until(stage, "the heartbeat", STEP_MS, async () => {
    const beats = await bus.beatsSince(before.value);
    return beats.known && beats.value.some((beat) => beat.heartbeat.status === "ALIVE") ? true : null;
  });
  if (beating === null) return failed("the heartbeat did not resume: expected ALIVE from the restarted brain");
  await done("heartbeat resumed");

  const attached = await until(stage, "the watchdog to re-attach", STEP_MS, async () => {
    const overview = await bus.overview();
    if (!overview.known) return null;
    const watchdog = overview.value.roles.find(({ role }) => role === "watchdog");
    return watchdog && isAlive(watchdog) && watchdog.last?.heartbeat.details?.state === "armed" ? true : null;
  });
  if (attached === null) return failed("the watchdog did not re-attach: expected it armed");
  await done("watchdog re-attached");

  const second = await until(stage, "six seconds without a second panic", QUIET_MS, async () => {
    const panics = await bus.panicsSince(bookmark);
    const other = panics.known ? panics.value.find(({ event }) => event.eventId !== eventId) : undefined;
    return other ?? null;
  });
  if (second !== null)
    return failed(`a second panic was published: ${second.event.reason}, event ${second.event.eventId}`);
  const panics = await bus.panicsSince(bookmark);
  if (!panics.known) return failed(`whether there was a second panic can't be read, ${panics.why}`);
  await done("no second panic");
  return { passed: true, failure: null, steps };
}
