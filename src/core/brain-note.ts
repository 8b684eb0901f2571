/**
 * What a brain is doing besides beating: heartbeats have no room for it, and a person who looks at the system wants to know
 * who leaves the positions, by which policy, and whether it may act.
 */

import { isAlive, type RoleView } from "./overview.ts";
import type { Reading } from "./reading.ts";

/** How a policy is carried out: as always, `--shadow`, or `--auto-live`. */
export const POLICY_MODES = ["live", "shadow", "auto_live"] as const;
type PolicyMode = (typeof POLICY_MODES)[number];

/** What a brain does about exits. */
export type BrainWork =
  /** It looks, and leaves nothing. */
  | { readonly kind: "watch" }
  /** It guards a bot, which leaves positions by itself. */
  | { readonly kind: "guard" }
  | {
      readonly kind: "policy";
      /** Of the text of the policy's file, in hex. */
      readonly sha256: string;
      readonly mode: PolicyMode;
      /** The venue's streams that are not to be relied on now, by name: the brain looks once a second all the same. */
      readonly quiet: readonly string[];
    };

/** What the process with this instance id says of itself. */
export interface BrainNote {
  readonly instanceId: string;
  readonly work: BrainWork;
}

/** Who leaves the account's positions, as far as it can be told. */
export type ExitsView =
  | { readonly kind: "unknown"; readonly why: string }
  /** No brain beats. */
  | { readonly kind: "nobody" }
  /** The brain that beats has said nothing: somebody else's bot, or one that has just started. */
  | { readonly kind: "unsaid" }
  | { readonly kind: "watch" | "guard" }
  | (Extract<BrainWork, { kind: "policy" }> & { readonly stance: Stance });

/** `live`: it is acted on; `told`: it is not, because it was started so; `waiting`: not before a person says so. */
type Stance = "live" | "told" | "waiting" | "halted";

/** Puts together what the brain beats and what it has said of itself; a note of another instance is none. */
export function exitsView(brain: RoleView | undefined, note: Reading<BrainNote | null>): ExitsView {
  if (brain === undefined || brain.last === null || !isAlive(brain)) return { kind: "nobody" };
  if (!note.known) return { kind: "unknown", why: note.why };
  const { details } = brain.last.heartbeat;
  if (details === null || note.value === null || note.value.instanceId !== details.instanceId)
    return { kind: "unsaid" };
  const { work } = note.value;
  if (work.kind !== "policy") return { kind: work.kind };
  return { ...work, stance: stanceOf(details.mode, work.mode) };
}

function stanceOf(mode: "live" | "shadow" | "halted", started: PolicyMode): Stance {
  switch (mode) {
    case "live":
      return "live";
    case "halted":
      return "halted";
    case "shadow":
      return started === "shadow" ? "told" : "waiting";
  }
}

/** The same in one line, for people. */
export function exitsLine(view: ExitsView): string {
  switch (view.kind) {
    case "unknown":
      return `can't be read, ${view.why}`;
    case "nobody":
      return "can't be told, no brain beats";
    case "unsaid":
      return "the brain that beats says nothing of one";
    case "watch":
      return "none, the brain only watches";
    case "guard":
      return "none, the brain guards a bot that leaves positions by itself";
    case "policy": {
      const quiet = view.quiet.length === 0 ? "" : `; quiet streams: ${view.quiet.join(", ")}`;
      return `${stanceWords(view)}${quiet}`;
    }
  }
}

function stanceWords({ mode, stance }: Extract<ExitsView, { kind: "policy" }>): string {
  switch (stance) {
    case "live":
      return mode === "auto_live" ? "live and acted on, and after an incident again by itself" : "live and acted on";
    case "told":
      return "in shadow, started with --shadow: it is told, and not acted on";
    case "waiting":
      return "in shadow since the last incident, until a person says: quantum brain live";
    case "halted":
      return `not acted on while trading is halted; after the reset ${AFTER_RESET[mode]}`;
  }
}

const AFTER_RESET: Readonly<Record<PolicyMode, string>> = {
  live: "in shadow, until a person says: quantum brain live",
  shadow: "in shadow, started with --shadow",
  auto_live: "live again by itself",
};

/** What a person has to look at; null: nothing. */
export function exitsAttention(view: ExitsView): string | null {
  if (view.kind !== "policy" || view.stance !== "waiting") return null;
  return "the brain leaves no position by its policy until a person lets it: quantum brain live";
}
