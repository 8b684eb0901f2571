import { createHash, randomUUID } from "node:crypto";
import { hostname } from "node:os";

/** A new event id. */
export function newEventId(): string {
  return randomUUID();
}

/** Who a role is: a new instance at each process start. */
export function newIdentity(serviceId: string): { readonly serviceId: string; readonly instanceId: string } {
  return { serviceId, instanceId: randomUUID() };
}

/** The worker's name in the consumer group: the same after each restart with the same state directory on the same host. */
export function workerName(stateDirectory: string): string {
  const place = createHash("sha256").update(`${hostname()}\0${stateDirectory}`).digest("hex");
  return `eew-${place.slice(0, 12)}`;
}
