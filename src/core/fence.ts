/**
 * The brain's fence (design section 5): a brain whose heartbeats are not heard is taken for dead, so it must not act.
 *
 * It counts from when a confirmed heartbeat was sent, not from when the confirmation came: a process that was
 * suspended finds old confirmations waiting, and they prove nothing about now. The watchdog counts from the
 * arrival, which is later, and allows a second more: the brain has always stopped acting before it is given up.
 */

import { info, type Tell, warn } from "./tell.ts";
import { after, type Instant } from "./time.ts";
import { tenths } from "./trip.ts";

/** Whether heartbeats get through. */
export type Fence =
  /** None was confirmed since the start. Not told before `closesAt`, but nothing may be done either. */
  | { readonly kind: "unproven"; readonly closesAt: Instant }
  /** One was confirmed; it is worth something until `closesAt`. */
  | { readonly kind: "open"; readonly closesAt: Instant }
  | { readonly kind: "fenced" };

/** The fence of a brain that starts. */
export function unproven(fenceMs: number, now: Instant): Fence {
  return { kind: "unproven", closesAt: after(now, fenceMs) };
}

/** Whether heartbeats get through at `now`. A timer that is late changes nothing: the time itself decides. */
export function getsThrough(fence: Fence, now: Instant): boolean {
  return fence.kind === "open" && now < fence.closesAt;
}

/** When the fence closes, if no heartbeat is confirmed before. */
export function closing(fence: Fence): Instant | null {
  return fence.kind === "fenced" ? null : fence.closesAt;
}

/** Advances the fence to `now`; `sentAt` is of a heartbeat that was confirmed just now, null if none was. */
export function advance(
  fenceMs: number,
  fence: Fence,
  sentAt: Instant | null,
  now: Instant,
): readonly [Fence, readonly Tell[]] {
  const closesAt = sentAt === null ? null : after(sentAt, fenceMs);
  if (closesAt !== null && now < closesAt) {
    // Confirmations may overtake each other.
    if (fence.kind === "open" && closesAt <= fence.closesAt) return [fence, []];
    const lines = fence.kind === "fenced" ? [info("No longer fenced: a heartbeat was confirmed")] : [];
    return [{ kind: "open", closesAt }, lines];
  }
  if (fence.kind === "fenced" || now < fence.closesAt) return [fence, []];
  const silence = tenths(now - fence.closesAt + fenceMs);
  return [{ kind: "fenced" }, [warn(`Fenced: no heartbeat confirmed for ${silence}, no orders until one is`)]];
}

/** A limit that gives a brain up while its fence still lets it act: two hands on one account. Null for a longer one. */
export function overtakenFence(fenceMs: number, flag: string, limitMs: number): Tell | null {
  if (limitMs > fenceMs) return null;
  const fence = `the brain's own fence closes only after ${fenceMs} ms`;
  return warn(`${flag} is ${limitMs}, and ${fence}: until then a brain that is given up may still send orders`);
}
