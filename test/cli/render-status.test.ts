/** `quantum status`, letter for letter: what people and their scripts read. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { renderStatus, type StatusView, statusDocument } from "../../src/cli/render.ts";
import { drillAttention } from "../../src/core/drill.ts";
import { problems } from "../../src/core/overview.ts";
import { known, unknown } from "../../src/core/reading.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import type { Overview, RolePulse } from "../../src/ports/bus.ts";
import { aBeat, aDrill, aHalt } from "../support/core.ts";

const DAY_MS = 86_400_000;

/** A role that beat 0.4 s ago. */
function pulse(role: RolePulse["role"], state: string | null): RolePulse {
  const { heartbeat } = aBeat("ALIVE", "incident-1", state === null ? {} : { state });
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

/** As `quantum status` puts it together. */
function view(overview: Overview, lastDrill: StatusView["lastDrill"]): StatusView {
  const { lastPanic } = overview;
  const panic = lastPanic === null ? null : { eventId: lastPanic.event.eventId, outcome: lastPanic.outcome };
  const attention = drillAttention(lastDrill, true);
  return {
    ...overview,
    lastDrill,
    problems: problems({ ...overview, lastPanic: panic }),
    attention: attention === null ? [] : [attention],
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
