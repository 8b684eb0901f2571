import { newEventId } from "../../adapters/host/identity.ts";
import { redisOperatorBus } from "../../adapters/redis/operator-bus.ts";
import { loadRedis } from "../../config/redis.ts";
import { Failure, Refusal } from "../../config/refusal.ts";
import type { OperatorBus } from "../../ports/bus.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, redisFlags } from "../options.ts";
import { requireRedis } from "./require-redis.ts";

/** Where the permission changes nothing. */
async function tellUnlike(bus: OperatorBus, io: Io): Promise<void> {
  const note = await bus.brainNote();
  const work = note.known ? (note.value?.work ?? null) : null;
  if (work?.kind === "watch" || work?.kind === "guard") io.err("But the brain that was heard last runs no exit policy");
  if (work?.kind === "policy" && work.mode === "shadow") {
    io.err("But the brain was started with --shadow, and never acts: start it without, quantum install --policy FILE");
  }
}

/** Runs `quantum brain live`. */
export async function live(flags: Flags, io: Io): Promise<ExitCode> {
  const redis = loadRedis(io.env, redisFlags(flags));
  await requireRedis(redis);
  const bus = redisOperatorBus(redis);
  try {
    const answer = await bus.allowLive(newEventId());
    if (!answer.known) throw new Failure(`Not confirmed that the brain may act, run it again: ${answer.why}`);
    if (answer.value === "halted") {
      throw new Refusal(
        "Not allowed: trading is halted. Look into the halt, then quantum reset, then quantum brain live",
      );
    }
    if (isSet(flags, "json")) io.out(JSON.stringify({ live: true }));
    else io.out("Allowed: the brain acts by its policy from its next cycle on, until the next panic");
    await tellUnlike(bus, io);
    return 0;
  } finally {
    bus.close();
  }
}
