import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { fieldsOf, panicFields } from "../../../src/adapters/redis/codec.ts";
import { checkSignature, sign } from "../../../src/adapters/redis/signature.ts";
import type { PanicEvent } from "../../../src/core/messages.ts";
import type { UnixMillis } from "../../../src/core/time.ts";

const SECRET = "trigger-secret";
const EVENT: PanicEvent = {
  eventId: "550e8400-e29b-41d4-a716-446655440000",
  reason: "EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)",
  issuedBy: "watchdog",
  ts: 1_795_450_000_000 as UnixMillis,
};

/** The contract's words (3.2), put together by hand. */
const SIGNED =
  "550e8400-e29b-41d4-a716-446655440000|EXIT_BRAIN_HEARTBEAT_MISSING_(5.1S_>_5.0S)|CRITICAL|watchdog|1795450000000";
const VALID = createHmac("sha256", SECRET).update(SIGNED).digest("hex");

test("sign() is lower-case hex HMAC-SHA256 over event_id|reason|severity|issued_by|ts", () => {
  expect(sign(SECRET, EVENT)).toBe(VALID);
  expect(VALID).toMatch(/^[0-9a-f]{64}$/);
});

describe("checkSignature()", () => {
  test.each([
    ["no secret is set", null, VALID, "not_required"],
    ["no secret is set and there is no sig", null, null, "not_required"],
    ["it was made with the secret", SECRET, VALID, "valid"],
    ["there is none", SECRET, null, "missing"],
    ["it was made with another secret", SECRET, sign("other", EVENT), "wrong"],
    ["it is empty", SECRET, "", "wrong"],
    ["it is a digit short", SECRET, VALID.slice(0, -1), "wrong"],
    ["it is a digit long", SECRET, `${VALID}0`, "wrong"],
    ["it is written in upper case", SECRET, VALID.toUpperCase(), "wrong"],
    ["it has as many characters but more bytes", SECRET, `é${VALID.slice(1)}`, "wrong"],
  ] as const)("where %s", (_what, secret, sig, expected) => {
    expect(checkSignature(secret, fieldsOf(["1-0", panicFields(EVENT, sig)]))).toBe(expected);
  });

  test.each(["event_id", "reason", "severity", "issued_by", "ts"])("a changed %s makes it wrong", (name) => {
    const fields = new Map(fieldsOf(["1-0", panicFields(EVENT, VALID)]));
    expect(checkSignature(SECRET, new Map(fields).set(name, "changed"))).toBe("wrong");
    fields.delete(name);
    expect(checkSignature(SECRET, fields)).toBe("wrong");
  });

  test("is over the fields as they arrived: somebody else's event may spell them in any way", () => {
    const fields = new Map([
      ["event_id", "not-a-uuid"],
      ["reason", "ü|"],
      ["severity", "high"],
      ["issued_by", "ops"],
      ["ts", "later"],
    ]);
    const sig = createHmac("sha256", SECRET).update("not-a-uuid|ü||high|ops|later").digest("hex");
    expect(checkSignature(SECRET, fields.set("sig", sig))).toBe("valid");
  });
});
