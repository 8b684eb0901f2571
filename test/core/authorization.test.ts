import { describe, expect, test } from "bun:test";
import { AUTHORIZATION_LIMITS, authorize } from "../../src/core/authorization.ts";
import type { Delivery } from "../../src/core/messages.ts";
import { aDelivery } from "../support/core.ts";

const DAY_MS = AUTHORIZATION_LIMITS.eventMaxAgeMs;

const ROWS: readonly (readonly [name: string, changes: Partial<Delivery>, verdict: "execute" | "refuse"])[] = [
  ["an event of the watchdog", {}, "execute"],
  ["an event of an operator", { issuedBy: "ops" }, "execute"],
  ["an event of the risk kernel", { issuedBy: "risk_kernel" }, "execute"],
  ["an event of somebody else", { issuedBy: "strategy" }, "refuse"],
  ["an event whose issuer can't be read is malformed, not forged", { issuedBy: null }, "execute"],
  ["an event without a reason", { reason: null }, "execute"],
  ["a signed event", { signature: "valid" }, "execute"],
  ["an event without the signature that is required", { signature: "missing" }, "refuse"],
  ["an event with a wrong signature", { signature: "wrong" }, "refuse"],
  ["a malformed event without the signature that is required", { issuedBy: null, signature: "missing" }, "refuse"],
  ["an event that was completed before", { completed: true }, "refuse"],
  ["an event from before the last quantum reset", { beforeReset: true }, "refuse"],
  ["a worker that comes up an hour late finds its work waiting", { ageMs: 3_600_000 }, "execute"],
  ["an event of exactly a day", { ageMs: DAY_MS }, "execute"],
  ["an event of more than a day", { ageMs: DAY_MS + 1 }, "refuse"],
];

describe("authorize()", () => {
  for (const [name, changes, verdict] of ROWS) {
    test(`${name} → ${verdict}`, () => {
      expect(authorize(AUTHORIZATION_LIMITS, aDelivery(changes)).kind).toBe(verdict);
    });
  }

  const WORDS: readonly (readonly [changes: Partial<Delivery>, why: string])[] = [
    [{ issuedBy: "x" }, 'issued_by is "x", expected one of watchdog, exit_brain, risk_kernel, ops, eew'],
    [{ signature: "missing" }, "it carries no sig, and QUANTUM_TRIGGER_SECRET is set"],
    [{ signature: "wrong" }, "its sig was not made with QUANTUM_TRIGGER_SECRET"],
    [{ completed: true }, "its event_id has a completion already"],
    [{ beforeReset: true }, "it was published before the last quantum reset"],
    [{ ageMs: DAY_MS + 2_500 }, "it is 86402 s old, the limit is 86400 s"],
  ];
  test.each(WORDS)("%p is refused because %s", (changes, why) => {
    expect(authorize(AUTHORIZATION_LIMITS, aDelivery(changes))).toEqual({ kind: "refuse", why });
  });
});
