/** What most cases expect. */

import { eventually } from "../support/eventually.ts";
import { type Measure, measure, must } from "./case.ts";
import { FLAT_MAX_MS, LIMIT_MS, OVERSHOOT_MAX_MS, type Scene, WITHOUT_REDIS_MAX_MS } from "./scene.ts";
import type { SeenReport } from "./truth.ts";

/** The brain has fallen silent: a panic in time, a flat account, one true report, a halt; and nothing after it. */
export async function detectedAndFlat(scene: Scene, limitMs: number = LIMIT_MS): Promise<readonly Measure[]> {
  const event = await scene.firstEvent(limitMs + 10_000);
  const beatMs = await scene.lastBeatMs();
  must(event.reason.startsWith("EXIT_BRAIN_HEARTBEAT_MISSING_("), `the reason is ${event.reason}`);
  await scene.untilFlat();
  await flatOnRecord(scene, event.eventId);
  const gapMs = event.atMs - beatMs;
  // Half a millisecond is lost on either side when the entry ids are cut to whole ones.
  must(gapMs >= limitMs - 1, `the panic came ${gapMs} ms after a heartbeat, before the limit of ${limitMs} ms`);
  return [
    measure("heartbeat → panic", gapMs, limitMs + OVERSHOOT_MAX_MS),
    measure("panic → flat", scene.lastFillMs() - event.atMs, FLAT_MAX_MS),
  ];
}

/** The event has a report that says FLAT, trading is halted, and it is the only event. */
export async function flatOnRecord(scene: Scene, eventId: string): Promise<void> {
  const { outcome } = await scene.report(eventId);
  must(outcome === "FLAT", `the report says ${outcome}`);
  must(await scene.isHalted(), "trading is not halted");
  const events = await scene.events();
  must(events.length === 1, `${events.length} panic events: ${events.map(({ reason }) => reason).join(", ")}`);
}

/** Nobody but the venue can be asked: the worker is alone. */
export async function flatWithoutRedis(scene: Scene, what: string, sinceMs: number): Promise<readonly Measure[]> {
  await scene.untilFlat(WITHOUT_REDIS_MAX_MS + 5_000);
  return [measure(`${what} → flat`, scene.lastFillMs() - sinceMs, WITHOUT_REDIS_MAX_MS)];
}

/** No panic for so long. */
export async function quiet(scene: Scene, forMs: number): Promise<readonly Measure[]> {
  await Bun.sleep(forMs);
  const events = await scene.events();
  must(events.length === 0, `a false alarm: ${events[0]?.reason}`);
  return [measure("quiet for", forMs)];
}

/**
 * The event could not end flat, and follow-ups of it did: each event has its report, only the last says FLAT, and trading is
 * halted. Returns the reports in the order of their attempts.
 */
export async function flatByFollowUp(scene: Scene, eventId: string, limitMs = 30_000): Promise<readonly SeenReport[]> {
  const isDone = (): boolean => scene.reports.some(({ outcome }) => outcome === "FLAT");
  await eventually("a follow-up ends FLAT", isDone, limitMs);
  const events = await scene.events();
  events.forEach(({ fields, reason }, i) => {
    const [parent, attempt] = [fields.get("parent_event_id"), fields.get("attempt")];
    const follows = i === 0 ? parent === undefined : parent === eventId && attempt === String(i + 1);
    must(follows, `event ${i + 1}, ${reason}, is attempt ${attempt} of ${parent}`);
  });
  const reports: SeenReport[] = [];
  for (const event of events) reports.push(await scene.report(event.eventId));
  const outcomes = reports.map(({ outcome }) => outcome);
  must(outcomes.length > 1, "the first event ended FLAT: nothing went wrong");
  must(outcomes.indexOf("FLAT") === outcomes.length - 1, `the reports say ${outcomes.join(", ")}`);
  must(await scene.isHalted(), "trading is not halted");
  return reports;
}
