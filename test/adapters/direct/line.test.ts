import { describe, expect, test } from "bun:test";
import { eventText } from "../../../src/adapters/direct/protocol.ts";
import type { UnixMillis } from "../../../src/core/time.ts";
import { VirtualClock } from "../../../src/sim/clock.ts";
import { aLine, EVENT } from "../../support/direct.ts";

const SIGNED = eventText(EVENT, "secret");
const FLAT = { outcome: "FLAT", open: [] } as const;

/** The event with some of its fields replaced, as somebody on the way might. */
function tampered(changes: Readonly<Record<string, string>>): string {
  return JSON.stringify({ ...JSON.parse(SIGNED), ...changes });
}

describe("the direct line", () => {
  test("hands an event on as the bus would, but for the entry", async () => {
    const line = aLine("secret");
    expect(line.hear(SIGNED)).toMatchObject({ kind: "heard", eventId: "e1" });
    const delivery = await line.next();
    expect(delivery).toMatchObject({ entryId: "", eventId: "e1", reason: "OPERATOR_PANIC", issuedBy: "ops", ageMs: 0 });
    expect(delivery).toMatchObject({ signature: "valid", completed: false, followsUp: null });
  });

  test("hands an event on once, however often it is said, and tells every caller what came of it", async () => {
    const line = aLine("secret");
    const hearings = [line.hear(SIGNED), line.hear(SIGNED)];
    expect((await line.next()).eventId).toBe("e1");
    hearings.push(line.hear(SIGNED));
    line.ended("e1", FLAT);
    hearings.push(line.hear(SIGNED));
    for (const hearing of hearings) {
      if (hearing.kind !== "heard") throw new Error(hearing.why);
      expect(await hearing.ending).toEqual(FLAT);
    }
    let another = false;
    void line.next().then(() => (another = true));
    await Bun.sleep(20);
    expect(another).toBe(false);
  });

  test("an event that was executed by another way meanwhile is not handed on any more", async () => {
    const line = aLine("secret");
    line.hear(SIGNED);
    line.hear(eventText({ ...EVENT, eventId: "e2" }, "secret"));
    line.ended("e1", FLAT);
    expect((await line.next()).eventId).toBe("e2");
  });

  test("an old ts is no reason to refuse: the sender's clock may be wrong by a year", () => {
    const longAgo = eventText({ ...EVENT, ts: 1 as UnixMillis }, "secret");
    expect(aLine("secret").hear(longAgo).kind).toBe("heard");
  });

  test.each([
    ["no JSON", "panic!", "malformed"],
    ["a list", "[]", "malformed"],
    ["values that are no strings", '{"event_id":7}', "malformed"],
    ["no event id", '{"reason":"x"}', "malformed"],
    ["no sig", eventText(EVENT, null), "unsigned"],
    ["a sig by another secret", eventText(EVENT, "another"), "unsigned"],
    ["another reason than was signed", tampered({ reason: "ANOTHER" }), "unsigned"],
    ["another event id than was signed", tampered({ event_id: "e2" }), "unsigned"],
    ["somebody else's name", eventText({ ...EVENT, issuedBy: "somebody" as "ops" }, "secret"), "issuer"],
  ] as const)("refuses %s", (_fact, text, cause) => {
    const line = aLine("secret");
    expect(line.hear(text)).toMatchObject({ kind: "refused", cause });
    expect(line.log).toEqual([expect.stringContaining("critical Refused on the direct line:")]);
  });

  test("what is refused keeps no place from who can sign", async () => {
    const line = aLine("secret");
    for (let i = 0; i < 50; i++) line.hear(eventText({ ...EVENT, eventId: `e${i}` }, "another"));
    expect(line.hear(SIGNED).kind).toBe("heard");
  });

  test("holds sixteen events, and refuses the next", () => {
    const line = aLine("secret");
    const kinds = Array.from({ length: 17 }, (_, i) => line.hear(eventText({ ...EVENT, eventId: `e${i}` }, "secret")));
    expect(kinds.filter(({ kind }) => kind === "heard")).toHaveLength(16);
    expect(kinds.at(-1)).toMatchObject({ kind: "refused", cause: "full" });
  });

  test("remembers a thousand ends and no more", () => {
    const line = aLine("secret");
    for (let i = 0; i <= 1_000; i++) line.ended(`e${i}`, FLAT);
    line.hear(eventText({ ...EVENT, eventId: "e1" }, "secret"));
    line.hear(eventText({ ...EVENT, eventId: "e0" }, "secret"));
    return expect(line.next()).resolves.toMatchObject({ eventId: "e0" });
  });

  test("tells the first refusal at once, and how many more there were each minute: nobody can fill a disk", async () => {
    const clock = new VirtualClock(1_795_000_000_000 as UnixMillis);
    const line = aLine("secret", clock);
    const forged = tampered({ event_id: 'e1"\nPANIC CLOSE EVENT RECEIVED', reason: "x" });
    for (let i = 0; i < 1_000; i++) line.hear(forged);
    await clock.runUntil(() => false, 59_000);
    expect(line.log).toEqual([
      'critical Refused on the direct line: event "e1\\"\\nPANIC CLOSE EVENT RECEIVED": its sig was not made with QUANTUM_TRIGGER_SECRET',
    ]);
    await clock.runUntil(() => false, 181_000);
    expect(line.log.slice(1)).toEqual(["critical Refused on the direct line: 999 more calls within 60 s"]);
    line.hear(forged);
    expect(line.log).toHaveLength(3);
  });
});
