import { hostClock } from "../../adapters/host/clock.ts";
import { newEventId } from "../../adapters/host/identity.ts";
import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { loadRedis } from "../../config/redis.ts";
import { Failure } from "../../config/refusal.ts";
import type { Completion, PanicEvent } from "../../core/messages.ts";
import type { OperatorBus } from "../../ports/bus.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, redisFlags } from "../options.ts";
import { panicWords } from "../panic-words.ts";
import { completionDocument, renderCompletion } from "../render.ts";
import { requireRedis } from "./require-redis.ts";

/** A publish that was not confirmed is repeated, under the same event id, this often. */
const PUBLISH_ATTEMPTS = 10;
const RETRY_MS = 250;

/** Runs `quantum panic`. */
export async function panic(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  const { reason, waitMs } = panicWords(flags);
  await requireRedis(redis);
  const bus = redisOperatorBus(redis);
  try {
    const event: PanicEvent = { eventId: newEventId(), reason, issuedBy: "ops", ts: hostClock.wall() };
    await publish(bus, event, hostClock);
    io.err(`Panic close published to system:panic_close, event ID: ${event.eventId}`);
    if (waitMs === 0) {
      if (isSet(flags, "json")) io.out(JSON.stringify({ event_id: event.eventId, completion: null }));
      return 0;
    }
    const completion = await waitForCompletion(bus, event.eventId, waitMs, hostClock, io);
    if (isSet(flags, "json")) {
      io.out(JSON.stringify({ event_id: event.eventId, completion: completion && completionDocument(completion) }));
    } else if (completion !== null) {
      io.out(renderCompletion(completion));
    }
    if (completion === null)
      throw new Failure(`No report within ${waitMs} ms: is the emergency exit worker running? Look at the venue`);
    return completion.outcome === "FLAT" ? 0 : 1;
  } finally {
    bus.close();
  }
}

async function publish(bus: OperatorBus, event: PanicEvent, clock: Clock): Promise<void> {
  let why = "";
  for (let attempt = 0; attempt < PUBLISH_ATTEMPTS; attempt++) {
    const answer = await bus.publish(event);
    if (answer.known) return;
    why = answer.why;
    await clock.sleep(RETRY_MS);
  }
  throw new Failure(`Not confirmed that event ${event.eventId} is published, close by hand at the venue: ${why}`);
}

async function waitForCompletion(
  bus: OperatorBus,
  eventId: string,
  waitMs: number,
  clock: Clock,
  io: Io,
): Promise<Completion | null> {
  const until = clock.now() + waitMs;
  let toldAt = clock.now();
  while (clock.now() < until && !io.signal.aborted) {
    const answer = await bus.completion(eventId);
    if (answer.known && answer.value !== null) return answer.value;
    if (clock.now() - toldAt >= 2_000) {
      io.err("Waiting for the emergency exit worker's report...");
      toldAt = clock.now();
    }
    await clock.sleep(100, io.signal);
  }
  return null;
}
