import { expect, test } from "bun:test";
import fc from "fast-check";
import { eventIdFor } from "../../../src/adapters/redis/event-id.ts";

/** An entry id as Redis writes it. */
const ENTRY_IDS: fc.Arbitrary<string> = fc.tuple(fc.nat(), fc.nat()).map(([ms, seq]) => `${ms}-${seq}`);

test("an event id is a UUID of version 5 and of RFC 9562's variant", () => {
  fc.assert(
    fc.property(ENTRY_IDS, (entryId) => {
      expect(eventIdFor(entryId)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
  );
});

test("the same entry always gives the same id, and another entry another", () => {
  fc.assert(
    fc.property(ENTRY_IDS, ENTRY_IDS, (one, other) => {
      expect(eventIdFor(one) === eventIdFor(other)).toBe(one === other);
    }),
  );
});

test("the id of an entry never changes between releases: old and new observers raise one incident", () => {
  expect(eventIdFor("1795450000000-0")).toBe("7bd61145-2d22-51b4-9901-fd9e3dc9028d");
});
