/**
 * What the watchdog knows of the brain it watches: heartbeats in, the rule that is broken out (design section 3).
 *
 * A heartbeat is proof only if it is new. A copy of an old one changes nothing here, and one of an instance that
 * another has taken over from proves only that two are at work.
 */

import type { Beat, HeartbeatDetails } from "./messages.ts";
import { after, earliest, type Instant } from "./time.ts";
import type { Trip } from "./trip.ts";

/** When a brain counts as failed. No grace periods: a threshold is a threshold (design rule 5). */
export interface BrainWatchLimits {
  /** A heartbeat older than this is missing. Runbook, pass criteria: 5 s. */
  readonly heartbeatMissingMs: number;
  /** The same while positions are open; null: no shorter than without. Design section 3, `--unguarded-ms`. */
  readonly unguardedMs: number | null;
  /** A brain degraded for longer than this without a break is as good as dead. Design section 3: 5 s. */
  readonly degradedMs: number;
  /** With positions, a `last_decision_ts` that has not changed for longer than this is a brain that only beats. Design section 3: 30 s. */
  readonly decisionsStaleMs: number;
  /** More instances than this appearing within `crashLoopMs` are a crash loop. Design section 3: 3. */
  readonly crashLoopInstances: number;
  /** Design section 3: 60 s. */
  readonly crashLoopMs: number;
}

/** A brain that is watched. */
export interface BrainWatch {
  /** When the last heartbeat arrived that was proof. */
  readonly lastBeatAt: Instant;
  /** The incident that begins if no further heartbeat comes. */
  readonly incidentId: string;
  /** Since when every heartbeat was something else than `ALIVE`; null while the last one was `ALIVE`. */
  readonly degradedSince: Instant | null;
  /** The last heartbeat had positions, or did not say in a way that can be read. */
  readonly exposed: boolean;
  /** How many it had; null if it did not say in a way that can be read. */
  readonly positions: number | null;
  /** The last decision that was told, and when it was first seen here; null as long as the brain told of none. */
  readonly decision: { readonly ts: number; readonly seenAt: Instant } | null;
  /** Every instance heard of, by first appearance; the last one is the one that counts. */
  readonly instances: readonly [...older: Instance[], current: Instance];
  /** When an older instance was heard although a newer one had appeared; null: never. */
  readonly rivalAt: Instant | null;
}

/** One life of a brain. */
interface Instance {
  /** Null: heartbeats that name no instance are all of one. */
  readonly id: string | null;
  /** Null for the one that was found at attach: it may have run for days. */
  readonly appearedAt: Instant | null;
  /** The highest one so far; null as long as it sent none. */
  readonly seq: number | null;
}

/**
 * How many instances are remembered. One that was forgotten and beats again counts as new, and the one it displaces
 * as its rival: that errs to the safe side. More than any crash loop needs (`--crash-loop-instances` ends at 100).
 */
const INSTANCES_KEPT = 128;

/**
 * The watch over a brain from its first heartbeat on.
 *
 * @param appearedAt when its instance appeared, if that was seen; it counts towards a crash loop only then.
 */
export function watchOver(beat: Beat, lastBeatAt: Instant, appearedAt: Instant | null): BrainWatch {
  const instances: BrainWatch["instances"] = [{ ...identityOf(beat), appearedAt }];
  return { ...said(beat, lastBeatAt, null), instances, rivalAt: null };
}

/**
 * What a heartbeat changes, and whether it proves that the brain lives.
 *
 * A copy changes nothing. One that is no copy for sure, and no proof either, still bears bad news.
 */
export function hear(brain: BrainWatch, beat: Beat, arrivedAt: Instant): readonly [BrainWatch, proof: boolean] {
  const { id, seq } = identityOf(beat);
  const [current, older] = currentOf(brain);
  if (id === current.id) {
    if (isCopy(seq, current)) return [brain, false];
    const news = said(beat, arrivedAt, brain);
    // One that stops to number its heartbeats can't be told from its own copy.
    if (seq === null && current.seq !== null) {
      return [
        { ...brain, degradedSince: news.degradedSince ?? brain.degradedSince, exposed: brain.exposed || news.exposed },
        false,
      ];
    }
    return [{ ...brain, ...news, instances: [...older, { ...current, seq }] }, true];
  }
  const rival = older.find((instance) => instance.id === id);
  if (rival === undefined) {
    const kept = [...older, current].slice(1 - INSTANCES_KEPT);
    return [
      { ...brain, ...said(beat, arrivedAt, brain), instances: [...kept, { id, seq, appearedAt: arrivedAt }] },
      true,
    ];
  }
  if (isCopy(seq, rival)) return [brain, false];
  const heard = older.map((instance) => (instance === rival ? { ...rival, seq: seq ?? rival.seq } : instance));
  return [{ ...brain, instances: [...heard, current], rivalAt: arrivedAt }, false];
}

function isCopy(seq: number | null, instance: Instance): boolean {
  return seq !== null && instance.seq !== null && seq <= instance.seq;
}

/** The rule that is broken at `now`, the graver first. Strictly greater: at the limit itself nothing is broken yet. */
export function broken(limits: BrainWatchLimits, brain: BrainWatch, now: Instant): Trip | null {
  const { lastBeatAt, degradedSince, decision, exposed, rivalAt } = brain;
  const silent = overdue("heartbeat_missing", lastBeatAt, heartbeatLimit(limits, brain), now);
  if (silent !== null) return silent;
  if (rivalAt !== null) {
    const [{ appearedAt }] = currentOf(brain);
    return { rule: "duplicate", afterMs: rivalAt - (appearedAt ?? rivalAt) };
  }
  return (
    crashLoop(limits, brain) ??
    overdue("degraded", degradedSince, limits.degradedMs, now) ??
    overdue("decisions_stale", exposed ? (decision?.seenAt ?? null) : null, limits.decisionsStaleMs, now)
  );
}

/** The moment after which a rule is broken, if no heartbeat comes. */
export function nextBreak(limits: BrainWatchLimits, brain: BrainWatch): Instant {
  const { lastBeatAt, degradedSince, decision, exposed } = brain;
  const missing = after(lastBeatAt, heartbeatLimit(limits, brain));
  const others = earliest(
    degradedSince === null ? null : after(degradedSince, limits.degradedMs),
    decision === null || !exposed ? null : after(decision.seenAt, limits.decisionsStaleMs),
  );
  return others !== null && others < missing ? others : missing;
}

/** Who counts, and who did before. */
export function currentOf({ instances }: BrainWatch): readonly [current: Instance, older: readonly Instance[]] {
  const [current = instances[0]] = instances.slice(-1);
  return [current, instances.slice(0, -1)];
}

/** What a heartbeat that is proof says. What it leaves out is not taken back: a decision not told is not a new one. */
function said(beat: Beat, arrivedAt: Instant, before: BrainWatch | null): Omit<BrainWatch, "instances" | "rivalAt"> {
  const { status, activePositions, details } = beat.heartbeat;
  const ts = details?.lastDecisionTs ?? null;
  const decision = before?.decision ?? null;
  return {
    lastBeatAt: arrivedAt,
    incidentId: beat.incidentId,
    degradedSince: status === "ALIVE" ? null : (before?.degradedSince ?? arrivedAt),
    exposed: activePositions === null || activePositions > 0,
    positions: activePositions,
    decision: ts === null || ts === decision?.ts ? decision : { ts, seenAt: arrivedAt },
  };
}

/** Without an instance there is no row of numbers either: the next life would begin it anew. */
function identityOf({ heartbeat: { details } }: Beat): Pick<HeartbeatDetails, "seq"> & { readonly id: string | null } {
  const id = details?.instanceId ?? null;
  return { id, seq: id === null ? null : (details?.seq ?? null) };
}

function heartbeatLimit({ heartbeatMissingMs, unguardedMs }: BrainWatchLimits, { exposed }: BrainWatch): number {
  return exposed && unguardedMs !== null ? Math.min(unguardedMs, heartbeatMissingMs) : heartbeatMissingMs;
}

function overdue(
  rule: "heartbeat_missing" | "degraded" | "decisions_stale",
  since: Instant | null,
  limitMs: number,
  now: Instant,
): Trip | null {
  const ageMs = since === null ? 0 : now - since;
  return ageMs > limitMs ? { rule, ageMs, limitMs } : null;
}

/** Instances that appeared within `crashLoopMs` before the newest one, the end of it included. */
function crashLoop({ crashLoopInstances, crashLoopMs }: BrainWatchLimits, { instances }: BrainWatch): Trip | null {
  const appearances = instances.flatMap(({ appearedAt }) => appearedAt ?? []);
  const last = appearances.at(-1);
  if (last === undefined) return null;
  const within = appearances.filter((appearedAt) => last - appearedAt <= crashLoopMs);
  if (within.length <= crashLoopInstances) return null;
  const tookMs = last - (within[0] ?? last);
  return { rule: "crash_loop", instances: within.length, tookMs, limit: crashLoopInstances, limitMs: crashLoopMs };
}
