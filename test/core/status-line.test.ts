import { describe, expect, test } from "bun:test";
import { BRAIN_LIMITS, type BrainState, start } from "../../src/core/brain.ts";
import type { EewState } from "../../src/core/eew.ts";
import { openExits } from "../../src/core/exits.ts";
import { NOT_YET } from "../../src/core/standing.ts";
import { type BusView, brainLine, eewLine, watchdogLine } from "../../src/core/status-line.ts";
import { arm } from "../../src/core/watchdog-listening.ts";
import { UNUSED, type WatchdogState } from "../../src/core/watchdog-state.ts";
import { aBeat, aDelivery, at } from "../support/core.ts";
import { policyOf, rules } from "../support/exits.ts";

const ATTEMPT = { incidentId: "i1", number: 2 };

function armed(status: string, activePositions: number | null): WatchdogState {
  const beat = aBeat(status);
  const [state] = arm({ ...beat, heartbeat: { ...beat.heartbeat, activePositions } }, at(0), null, []);
  return state;
}

describe("watchdogLine()", () => {
  const tripped = { kind: "tripped", attempt: ATTEMPT, eventId: "e2", reason: null, haltSeen: true } as const;
  const open: WatchdogState = { ...tripped, outcome: null, followUpAt: at(0), heard: null };
  const rows: readonly (readonly [state: WatchdogState, line: string])[] = [
    [{ kind: "detached" }, "attaching, UNPROTECTED"],
    [{ kind: "waiting", since: at(0), absenceId: "a", drainBy: null, told: [] }, "waiting: no brain yet, UNPROTECTED"],
    [armed("ALIVE", 2), "armed: the brain beats, 2 positions"],
    [armed("ALIVE", 1), "armed: the brain beats, 1 position"],
    [armed("DEGRADED", 0), "armed: the brain says DEGRADED, 0 positions"],
    [armed("ALIVE", null), "armed: the brain beats, an unknown number of positions"],
    [
      {
        kind: "tripping",
        attempt: ATTEMPT,
        reason: "R",
        haltSeen: false,
        retryAt: null,
        directLine: UNUSED,
        heard: null,
      },
      "tripping: incident i1 attempt 2, not confirmed published",
    ],
    [open, "tripped: incident i1 attempt 2, no completion yet"],
    [{ ...open, outcome: "NOT_FLAT" }, "tripped: incident i1 attempt 2, ended NOT_FLAT"],
    [
      { kind: "halted", attempt: ATTEMPT, eventId: "e2", heard: null },
      "halted: incident i1 attempt 2, ended FLAT, until a person resets it",
    ],
  ];
  test.each(rows)("%o", (state, line) => {
    expect(watchdogLine(state, null)).toBe(line);
    expect(watchdogLine(state, "no answer")).toBe(`Redis can't be used: no answer; ${line}`);
  });
});

describe("brainLine()", () => {
  const open: BrainState = {
    ...start(BRAIN_LIMITS, at(0)),
    activePositions: 2,
    fence: { kind: "open", closesAt: at(9) },
  };
  const ruled = (live: boolean): BrainState => {
    const started = { policy: policyOf(rules()), shadow: false, autoLive: false, records: [], portfolio: null };
    const exits = { ...openExits(started, at(0)), standing: { ...NOT_YET, isLive: live } };
    return { ...open, halt: { kind: "none", askedAt: at(0) }, exits };
  };
  const rows: readonly (readonly [state: BrainState, line: string])[] = [
    [start(BRAIN_LIMITS, at(0)), "starting: no heartbeat confirmed yet"],
    [open, "watching 2 positions"],
    [{ ...open, halt: { kind: "none", askedAt: at(0) } }, "watching 2 positions"],
    [{ ...open, halt: { kind: "halted" } }, "halted, watching 2 positions"],
    [ruled(true), "live by its exit policy, watching 2 positions"],
    [ruled(false), "in shadow, watching 2 positions"],
    [
      { ...ruled(true), healthy: false },
      "DEGRADED: positions, or what the exit policy needs, can't be read in time, watching 2 positions at last",
    ],
    [{ ...open, halt: { kind: "unreadable" } }, "halted, because the halt can't be read, watching 2 positions"],
    [{ ...open, healthy: false }, "DEGRADED: positions can't be read in time, watching 2 positions at last"],
    [{ ...open, healthy: false, fence: { kind: "fenced" } }, "fenced: no heartbeat is confirmed, watching 2 positions"],
  ];
  test.each(rows)("%o", (state, line) => expect(brainLine(state)).toBe(line));
});

describe("eewLine()", () => {
  const delivery = aDelivery({ eventId: "e2" });
  const state = (kind: EewState["kind"]): EewState => ({ kind, delivery }) as unknown as EewState;
  const [unseen, free, halted, lost]: readonly [BusView, BusView, BusView, BusView] = [
    { kind: "unseen" },
    { kind: "seen", halted: false },
    { kind: "seen", halted: true },
    { kind: "lost", why: "no answer" },
  ];
  const away = "Redis can't be used: no answer; listening by the direct line";
  const rows: readonly (readonly [kind: EewState["kind"], bus: BusView, line: string])[] = [
    ["idle", unseen, "listening"],
    ["idle", free, "listening"],
    ["idle", halted, "halted: listening, and looking that nothing opens"],
    ["idle", lost, away],
    ["surveying", free, "executing e2"],
    ["closing", lost, "executing e2"],
    ["verifying", halted, "executing e2"],
    ["reporting", free, "reporting e2"],
    ["reporting", halted, "reporting e2"],
    ["reporting", lost, `reporting e2; ${away}`],
  ];
  test.each(rows)("%s, with Redis %o", (kind, bus, line) => expect(eewLine(state(kind), bus)).toBe(line));
});
