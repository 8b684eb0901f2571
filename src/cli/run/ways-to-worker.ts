import type { DirectWay } from "../../adapters/direct/call.ts";
import { byHttp } from "../../adapters/direct/call-http.ts";
import { bySocket } from "../../adapters/direct/call-unix.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { loadDirectHttp, loadDirectUrl, urlOfDoor } from "../../config/direct-http.ts";
import type { Env } from "../../config/env.ts";
import { type Flags, text } from "../options.ts";

/**
 * The ways to the worker without Redis, as they were set: never guessed, since on this machine another account's worker may
 * be the one that answers.
 *
 * @throws {Refusal} naming the setting that can't be used.
 */
export function waysToWorker(flags: Flags, env: Env, triggerSecret: string | null): readonly DirectWay[] {
  const path = text(flags, "direct-socket");
  const door = loadDirectHttp(env, undefined, triggerSecret);
  const flag = loadDirectUrl("--direct-url", text(flags, "direct-url"), triggerSecret);
  const url = flag ?? (door === null ? undefined : urlOfDoor(door));
  return [...(path === undefined ? [] : [bySocket(path)]), ...(url === undefined ? [] : [byHttp(url, hostClock)])];
}

/** The same for people. */
export function directWords(ways: readonly DirectWay[]): string {
  if (ways.length > 0) return `The direct line to the worker: ${ways.map(({ name }) => name).join(", then ")}`;
  return "No direct line to the worker: a panic waits for Redis. Set QUANTUM_DIRECT_HTTP, --direct-url or --direct-socket";
}
