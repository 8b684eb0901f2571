import { beforeEach, expect, test } from "bun:test";
import type { Delivery } from "../../src/core/messages.ts";
import type { UnixMillis } from "../../src/core/time.ts";
import { type Refusals, refusals } from "../../src/roles/refusals.ts";
import { VirtualClock } from "../../src/sim/clock.ts";
import { aDelivery } from "../support/core.ts";

let clock: VirtualClock;
let lines: string[];
let refused: Refusals;

beforeEach(() => {
  clock = new VirtualClock(1_795_000_000_000 as UnixMillis);
  lines = [];
  refused = refusals({ clock, log: { write: (_level, text) => void lines.push(text) } });
});

const event = (eventId: string): Delivery => aDelivery({ eventId });
const told = (): readonly string[] => lines.filter((line) => line.includes("not executed"));

test("a refusal is told with the event, the reason and how many there were since the start", () => {
  refused.add(event("e1"), "its sig was not made with QUANTUM_TRIGGER_SECRET");
  refused.add(event("e2"), "it carries no sig");
  expect(lines).toContain("PANIC CLOSE EVENT RECEIVED");
  expect(lines).toContain("Event ID: e1");
  expect(told()).toEqual([
    "Event e1 not executed: its sig was not made with QUANTUM_TRIGGER_SECRET (1 refused since the start)",
    "Event e2 not executed: it carries no sig (2 refused since the start)",
  ]);
});

test("of a flood five are told, the rest is counted after a minute, and then it begins anew", async () => {
  for (let i = 1; i <= 1_000; i++) refused.add(event(`e${i}`), "forged");
  expect(told()).toHaveLength(5);
  await clock.runUntil(() => false, 60_000);
  expect(told().slice(5)).toEqual(["995 more panic events not executed within 60 s (1000 refused since the start)"]);
  refused.add(event("last"), "forged");
  expect(told().at(-1)).toBe("Event last not executed: forged (1001 refused since the start)");
});

test("five in a minute leave nothing to be counted", async () => {
  for (let i = 1; i <= 5; i++) refused.add(event(`e${i}`), "forged");
  await clock.runUntil(() => false, 61_000);
  expect(told()).toHaveLength(5);
});
