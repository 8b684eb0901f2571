import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { redisBrainNote } from "../../../src/adapters/redis/brain-note.ts";
import { redisOperatorBus } from "../../../src/adapters/redis/operator-bus.ts";
import type { BrainNote } from "../../../src/core/brain-note.ts";
import { known } from "../../../src/core/reading.ts";
import { type AclRedis, type AclUser, startAclRedis } from "../../support/acl.ts";

let redis: AclRedis;
beforeAll(async () => {
  redis = await startAclRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => void (await redis.command("FLUSHALL")));

const options = (user: AclUser) => ({ url: redis.urlOf(user), namespace: "", triggerSecret: null, deadlineMs: 2_000 });

const NOTES: readonly BrainNote[] = [
  {
    instanceId: "i-1",
    work: { kind: "policy", sha256: "ab".repeat(32), mode: "auto_live", quiet: ["account", "marks"] },
  },
  { instanceId: "i-2", work: { kind: "policy", sha256: "cd".repeat(32), mode: "live", quiet: [] } },
  { instanceId: "i-3", work: { kind: "guard" } },
  { instanceId: "i-4", work: { kind: "watch" } },
];

test("a note is read as it was written, over the one before, each by its own user", async () => {
  const [brain, ops] = [redisBrainNote(options("quantum-brain")), redisOperatorBus(options("quantum-ops"))];
  expect(await ops.brainNote()).toEqual(known(null));
  for (const note of NOTES) {
    expect(await brain.write(note)).toEqual(known(null));
    expect(await ops.brainNote()).toEqual(known(note));
  }
  brain.close();
  ops.close();
});

test.each([
  ["work that a later version knows", { instance_id: "i", does: "dance" }],
  ["a way to carry out a policy that a later version knows", policyFields({ policy_mode: "sometimes" })],
  ["a digest that is none", policyFields({ policy_sha256: "ab" })],
  ["nobody's", policyFields({ instance_id: "" })],
])("%s is no note", async (_what, fields) => {
  await redis.command("HSET", "quantum:brain", ...Object.entries(fields).flat());
  const ops = redisOperatorBus(options("quantum-ops"));
  expect(await ops.brainNote()).toEqual(known(null));
  ops.close();
});

function policyFields(changes: Record<string, string>): Record<string, string> {
  const sha256 = "ab".repeat(32);
  return {
    instance_id: "i",
    does: "policy",
    policy_sha256: sha256,
    policy_mode: "live",
    quiet_streams: "",
    ...changes,
  };
}
