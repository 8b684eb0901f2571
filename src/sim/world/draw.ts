/** What a run draws: a stream of numbers for each purpose, so that one more draw here changes nothing there. */

import { splitmix32 } from "../splitmix.ts";

/** Numbers from 0 (included) to 1 (excluded). */
export type Draw = () => number;

/** The stream of a purpose (FNV-1a over its name, mixed with the seed). */
export function stream(seed: number, purpose: string): Draw {
  let hash = 0x811c9dc5;
  for (let i = 0; i < purpose.length; i++) hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
  return splitmix32(Math.imul(seed, 0x27d4eb2f) ^ hash);
}

/** One of the list. */
export function pick<T>(draw: Draw, list: readonly T[]): T {
  const chosen = list[Math.floor(draw() * list.length)];
  if (chosen === undefined) throw new Error("Nothing to choose from");
  return chosen;
}

/** Evenly over the orders of magnitude: short ones matter as much as long ones. In whole milliseconds. */
export function span(draw: Draw, from: number, to: number): number {
  return Math.round(from * (to / from) ** draw());
}
