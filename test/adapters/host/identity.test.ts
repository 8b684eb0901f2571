import { expect, test } from "bun:test";
import { newEventId, newIdentity, workerName } from "../../../src/adapters/host/identity.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("a worker has the same name after each restart with the same state directory, and another with another", () => {
  expect(workerName("/var/lib/quantum")).toBe(workerName("/var/lib/quantum"));
  expect(workerName("/var/lib/quantum")).not.toBe(workerName("/var/lib/quantum2"));
  expect(workerName("/var/lib/quantum")).toMatch(/^eew-[0-9a-f]{12}$/);
});

test("each process start is a new instance of the same service", () => {
  const [one, two] = [newIdentity("exit_brain"), newIdentity("exit_brain")];
  expect(one.serviceId).toBe("exit_brain");
  expect(one.instanceId).toMatch(UUID);
  expect(one.instanceId).not.toBe(two.instanceId);
});

test("each event id is a new UUID", () => {
  expect(newEventId()).toMatch(UUID);
  expect(newEventId()).not.toBe(newEventId());
});
