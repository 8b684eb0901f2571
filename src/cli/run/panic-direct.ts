import { byHttp } from "../../adapters/direct/call-http.ts";
import { bySocket } from "../../adapters/direct/call-unix.ts";
import { hostClock } from "../../adapters/host/clock.ts";
import { newEventId } from "../../adapters/host/identity.ts";
import { loadDirectUrl } from "../../config/direct-http.ts";
import { directSocket } from "../../config/direct-socket.ts";
import { loadRedis } from "../../config/redis.ts";
import { Failure } from "../../config/refusal.ts";
import type { PanicEvent } from "../../core/messages.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, redisFlags, text } from "../options.ts";
import { panicWords } from "../panic-words.ts";

/** The worker says that it has heard at once, or it is not there. */
const HEARD_MS = 3_000;

/** Runs `quantum panic --direct`: calls the worker by its socket on this machine, or by its HTTP door. */
export async function panicDirect(flags: Flags, io: Io): Promise<ExitCode> {
  const { triggerSecret } = loadRedis(io.env, redisFlags(flags));
  const { reason, waitMs } = panicWords(flags);
  const url = loadDirectUrl("--url", text(flags, "url"), triggerSecret);
  const way = url === undefined ? bySocket(text(flags, "socket") ?? directSocket(io.env)) : byHttp(url, hostClock);
  const event: PanicEvent = { eventId: newEventId(), reason, issuedBy: "ops", ts: hostClock.wall() };
  io.err(`Calling the worker by ${way.name}, event ID: ${event.eventId}`);
  const called = await way.call(event, triggerSecret, { heardMs: HEARD_MS, doneMs: waitMs });
  if (!called.known) throw new Failure(`The worker did not hear it, close by hand at the venue: ${called.why}`);
  const done = called.value;
  if (isSet(flags, "json")) {
    io.out(JSON.stringify({ event_id: event.eventId, outcome: done?.outcome ?? null, open: done?.open ?? null }));
  } else if (done !== null) {
    io.out([`Outcome: ${done.outcome}`, ...done.open.map((leg) => `Still open: ${leg}`)].join("\n"));
  }
  if (waitMs === 0) return 0;
  if (done === null)
    throw new Failure(`The worker has heard it and gave no report within ${waitMs} ms: look at the venue`);
  return done.outcome === "FLAT" ? 0 : 1;
}
