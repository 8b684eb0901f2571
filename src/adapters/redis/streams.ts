/** Reading streams with ioredis: its answers given a shape, in one place. */

import type { Redis } from "ioredis";
import type { UnixMillis } from "../../core/time.ts";
import { entryTime, type RawEntry } from "./codec.ts";

/** The newest entry; null for an empty or missing stream. */
export async function newest(redis: Redis, key: string): Promise<RawEntry | null> {
  const [entry] = await redis.xrevrange(key, "+", "-", "COUNT", 1);
  return entry ?? null;
}

/** Everything after `id`, oldest first, at most `count`. */
export async function since(redis: Redis, key: string, id: string, count: number): Promise<readonly RawEntry[]> {
  return await redis.xrange(key, `(${id}`, "+", "COUNT", count);
}

/** The entries of the only stream that an XREAD or XREADGROUP asked for; none when it timed out. */
export function entriesOf(reply: unknown): readonly RawEntry[] {
  if (reply === null || reply === undefined) return [];
  const [stream] = reply as readonly (readonly [string, readonly RawEntry[]])[];
  return stream?.[1] ?? [];
}

/** Whether the first of two entry ids is the lower one. */
export function isBefore(one: string, other: string): boolean {
  const [[oneMs, oneSeq], [otherMs, otherSeq]] = [partsOf(one), partsOf(other)];
  return oneMs === otherMs ? oneSeq < otherSeq : oneMs < otherMs;
}

/** Both parts may be as large as 64 bits. */
function partsOf(id: string): readonly [ms: bigint, seq: bigint] {
  const [ms = "0", seq = "0"] = id.split("-");
  return [BigInt(ms), BigInt(seq)];
}

/** The server's clock. */
export async function serverTime(redis: Redis): Promise<UnixMillis> {
  const [seconds, micros] = await redis.time();
  return (Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)) as UnixMillis;
}

/** How long ago the entry was added, on the server's own clock; never negative. */
export function ageOf(id: string, now: UnixMillis): number {
  return Math.max(0, now - entryTime(id));
}
