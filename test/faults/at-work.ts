/** The scene in which most faults of Redis are caused: everybody is at work, and knows it of the others. */

import { eventually } from "../support/eventually.ts";
import type { Feed } from "./feed.ts";
import { FAST_WATCHDOG, type Role, type RoleOptions, type Scene } from "./scene.ts";

/** What is different in a case. */
export interface AtWorkOptions {
  readonly worker?: RoleOptions;
  /** One with the limit of most scenes if not given. */
  readonly watchdog?: RoleOptions;
}

/** Worker and watchdog as they ship: the limits are the runbook's. */
export const AS_SHIPPED: AtWorkOptions = { watchdog: {} };

/** Those who are at work. */
export interface AtWork {
  readonly worker: Role;
  readonly watchdog: Role;
  readonly feed: Feed;
}

/** Starts a worker, a watchdog and heartbeats, and waits until the watchdog is armed and the worker has seen that a brain lives. */
export async function atWork(
  scene: Scene,
  { worker: workerOptions, watchdog: watchdogOptions = FAST_WATCHDOG }: AtWorkOptions = {},
): Promise<AtWork> {
  const worker = await scene.start("eew", workerOptions);
  const watchdog = await scene.start("watchdog", watchdogOptions);
  const feed = scene.feed();
  await watchdog.says("Armed");
  await workerHasLooked(scene);
  return { worker, watchdog, feed };
}

/** Each look of a worker that worked is followed by its heartbeat: two later, it has seen what is on the bus now. */
export async function workerHasLooked(scene: Scene): Promise<void> {
  const count = async (): Promise<number> => Number(await scene.redis.command("XLEN", "eew:heartbeat"));
  const before = await count();
  await eventually("the worker has looked", async () => (await count()) >= before + 2);
}

/** What a person does after an incident: clears the halt, and opens the same positions again once the worker has seen it. */
export async function startAgain(scene: Scene): Promise<void> {
  const legs = new Map(scene.opened.map((leg) => [leg.symbol, leg]));
  await scene.redis.command("DEL", "system:state:trading");
  await workerHasLooked(scene);
  for (const leg of legs.values()) scene.openPosition(leg);
}
