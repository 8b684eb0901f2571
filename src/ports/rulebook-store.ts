import type { Rulebook } from "../core/rulebook.ts";

/** Keeps the venue's rulebook from one life of the worker to the next, so that a pass needs no big answer first. */
export interface RulebookStore {
  /** What was saved last; empty if nothing was, or nothing that can be read. Never throws. */
  load(): Rulebook;
  /** Replaces what is saved, whole or not at all. False if it could not be written. Never throws. */
  save(rulebook: Rulebook): boolean;
}
