/** What both peers share with our worker: the same event starts them, and the same kind of record says they are done. */

import { Redis } from "ioredis";

const PANIC = "system:panic_close";
const COMPLETED = "system:panic_close:completed";

/** One of the settings that the benchmark gives to every closer. */
export function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: the benchmark sets it`);
  return value;
}

/** Runs `close` for every panic event from now on, and reports each when it has ended, however it ended. */
export async function onPanic(close: () => Promise<void>): Promise<void> {
  const reading = new Redis(setting("REDIS_URL"));
  const writing = new Redis(setting("REDIS_URL"));
  await writing.ping();
  const [last] = await reading.xrevrange(PANIC, "+", "-", "COUNT", 1);
  let cursor = last?.[0] ?? "0-0";
  console.log("Listening for panic_close events...");
  for (;;) {
    const reply = await reading.xread("COUNT", 1, "BLOCK", 0, "STREAMS", PANIC, cursor);
    const entry = reply?.[0]?.[1]?.[0];
    if (entry === undefined) continue;
    const [id, fields] = entry;
    cursor = id;
    await close().catch((error: unknown) => console.error(String(error)));
    const eventId = fields?.[fields.indexOf("event_id") + 1] ?? "";
    await writing.xadd(COMPLETED, "*", "event_id", eventId, "outcome", "UNKNOWN");
  }
}
