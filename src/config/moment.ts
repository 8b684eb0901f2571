import type { UnixMillis } from "../core/time.ts";

/** What `moment` reads, for the end of "expected …". */
export const MOMENTS = "Unix seconds, milliseconds or microseconds, or ISO 8601 such as 2026-02-14T10:00:00Z";

const ISO = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** A time as people and exports write it, told apart by its digits; without a zone it is UTC. Null: it is none. */
export function moment(text: string): UnixMillis | null {
  // From 1973 on in each of them.
  if (/^\d{9,10}$/.test(text)) return (Number(text) * 1_000) as UnixMillis;
  if (/^\d{12,13}$/.test(text)) return Number(text) as UnixMillis;
  if (/^\d{15,16}$/.test(text)) return Math.floor(Number(text) / 1_000) as UnixMillis;
  const zone = ISO.exec(text);
  if (zone === null) return null;
  const day = text.length === 10;
  const ms = Date.parse(`${text.replace(" ", "T")}${day ? "T00:00:00Z" : zone[1] === undefined ? "Z" : ""}`);
  // 30 February is no day, whatever a runtime makes of it.
  const isDay = new Date(`${text.slice(0, 10)}T00:00:00Z`).toJSON()?.slice(0, 10) === text.slice(0, 10);
  return Number.isFinite(ms) && isDay ? (ms as UnixMillis) : null;
}
