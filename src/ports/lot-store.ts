import type { LotRules } from "../core/lots.ts";

/** Keeps the venue's market lots from one life of the worker to the next, so that a pass needs no big answer first. */
export interface LotStore {
  /** What was saved last; empty if nothing was, or nothing that can be read. Never throws. */
  load(): LotRules;
  /** Replaces what is saved, whole or not at all. False if it could not be written. Never throws. */
  save(rules: LotRules): boolean;
}
