/** `quantum status`, letter for letter: what people and their scripts read. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderStatus, type StatusView, statusDocument } from "../../src/cli/render.ts";
import { type BrainNote, exitsAttention, exitsView } from "../../src/core/brain-note.ts";
import { decimal } from "../../src/core/decimal.ts";
import { drillAttention } from "../../src/core/drill.ts";
import type { ExitRecord } from "../../src/core/exit-leg.ts";
import type { BrainMode } from "../../src/core/messages.ts";
import { problems } from "../../src/core/overview.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { Overview, RolePulse } from "../../src/ports/bus.ts";
import { aBeat, aDrill, aHalt } from "../support/core.ts";

const DAY_MS = 86_400_000;

/** A role that beat 0.4 s ago. */
function pulse(role: RolePulse["role"], state: string | null, mode: BrainMode = "live"): RolePulse {
  const { heartbeat } = aBeat("ALIVE", "incident-1", state === null ? { mode } : { mode, state });
  return { role, last: { heartbeat, ageMs: 400 } };
}

const WELL: Overview = {
  roles: [pulse("brain", null), pulse("watchdog", "armed"), pulse("eew", "idle")],
  halt: null,
  lastPanic: null,
};

const HALTED: Overview = {
  roles: [{ role: "brain", last: null }, pulse("watchdog", "halted"), pulse("eew", "idle")],
  halt: aHalt("e1"),
  lastPanic: {
    event: { eventId: "e1", reason: "FIRE", issuedBy: "ops", ts: 0 as UnixMillis },
    publishedAt: 1_795_450_000_000 as UnixMillis,
    outcome: "FLAT",
  },
};

/** After a reset. */
const IN_SHADOW: Overview = {
  ...HALTED,
  halt: null,
  roles: [pulse("brain", null, "shadow"), pulse("watchdog", "armed"), pulse("eew", "idle")],
};

function aPolicyNote(mode: "live" | "shadow", quiet: readonly string[] = []): BrainNote {
  return { instanceId: "instance-1", work: { kind: "policy", sha256: "ab".repeat(32), mode, quiet } };
}

const LEG: ExitRecord = {
  symbol: "ETHUSDT",
  positionSide: "SHORT",
  memory: {
    side: "short",
    openedAt: 1_795_449_000_000 as UnixMillis,
    rules: "r",
    entryPrice: decimal("2900"),
    amount: decimal("2"),
    size: decimal("2"),
    best: decimal("2890.5"),
    stop: { level: decimal("2958"), rule: "stop_loss" },
    r: decimal("58"),
    steps: {},
    exiting: null,
    sent: 0,
  },
  pending: null,
  earlier: null,
  recalled: true,
};

const LEGS: readonly ExitRecord[] = [
  LEG,
  {
    ...LEG,
    symbol: "BTCUSDT",
    positionSide: "BOTH",
    memory: {
      ...LEG.memory,
      side: "long",
      entryPrice: decimal("88000"),
      amount: decimal("0.2"),
      size: decimal("0.4"),
      best: decimal("91520"),
      stop: { level: decimal("90604.8"), rule: "trailing" },
      steps: { "1R": { taken: decimal("0.2"), done: true }, "2R": { taken: decimal("0"), done: false } },
      exiting: "close all of BTCUSDT: trailing stop 90,604.8 reached (entry 88,000, mark 90,600)",
      sent: 1,
    },
  },
  { ...LEG, positionSide: "LONG", memory: { ...LEG.memory, side: "long", stop: null } },
];

/** As `quantum status` puts it together. */
function view(
  overview: Overview,
  lastDrill: StatusView["lastDrill"],
  note: Reading<BrainNote | null> = known({ instanceId: "instance-1", work: { kind: "watch" } }),
  legs: StatusView["exits"]["legs"] = null,
): StatusView {
  const { lastPanic } = overview;
  const panic = lastPanic === null ? null : { eventId: lastPanic.event.eventId, outcome: lastPanic.outcome };
  const brain = exitsView(
    overview.roles.find(({ role }) => role === "brain"),
    note,
  );
  return {
    ...overview,
    exits: { brain, legs },
    lastDrill,
    problems: problems({ ...overview, lastPanic: panic }),
    attention: [exitsAttention(brain), drillAttention(lastDrill, true)].filter((line) => line !== null),
  };
}

const VIEWS: readonly (readonly [name: string, view: StatusView])[] = [
  ["healthy", view(WELL, known(aDrill()))],
  ["never-drilled", view(WELL, known(null))],
  ["stale-drill", view(WELL, known(aDrill({}, 40 * DAY_MS)))],
  [
    "halted-by-a-failed-drill",
    view(HALTED, known(aDrill({ verdict: "failed", why: "recovery: it was not tried" }, 5_000))),
  ],
  ["unreadable-drill", view(WELL, unknown("read quantum:drills: NOPERM"))],
  ["policy-live", view(WELL, known(aDrill()), known(aPolicyNote("live")), known(LEGS))],
  [
    "policy-whose-legs-are-unreadable",
    view(WELL, known(aDrill()), known(aPolicyNote("live")), unknown("read quantum:exits: NOPERM")),
  ],
  ["policy-in-shadow", view(IN_SHADOW, known(aDrill()), known(aPolicyNote("live", ["account", "marks"])))],
  ["policy-only-told", view(IN_SHADOW, known(aDrill()), known(aPolicyNote("shadow")), known([]))],
  ["drill-under-way", view(WELL, known(aDrill({ verdict: "begun", eventId: null, checks: [] }, 12_000)))],
];

/** The file that says it: read before it is committed. */
function golden(name: string): string {
  return readFileSync(join(import.meta.dir, "golden", name), "utf8").trimEnd();
}

describe.each(VIEWS)("status: %s", (name, given) => {
  test("for people", () => {
    expect(renderStatus(given, false)).toBe(golden(`status-${name}.txt`));
  });

  test("as a document, in this order", () => {
    const written = JSON.stringify(JSON.parse(golden(`status-${name}.json`)));
    expect(JSON.stringify(statusDocument(given))).toBe(written);
  });
});
