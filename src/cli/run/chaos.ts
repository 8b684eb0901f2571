import { selfCommand } from "../../adapters/host/self.ts";
import type { DrillResult, Method } from "../../chaos/brain-kill.ts";
import type { Struck } from "../../chaos/guarded-bot.ts";
import { newNotes } from "../../chaos/notes.ts";
import { openSandbox } from "../../chaos/sandbox.ts";
import { Refusal } from "../../config/refusal.ts";
import { known } from "../../core/reading.ts";
import { coloursWanted, type ExitCode, type Io } from "../io.ts";
import { type Flags, isSet, text } from "../options.ts";
import { drillDocument, renderDrill } from "../render-drill.ts";
import { liveDrill } from "./live-drill.ts";
import { playDrill } from "./play-drill.ts";

/** Runs `quantum chaos`. */
export async function chaos(flags: Flags, io: Io): Promise<ExitCode> {
  const method = (text(flags, "method") ?? "sigkill") as Method;
  if (!isSet(flags, "sandbox")) return await liveDrill(flags, io, method);
  const result = await inSandbox(flags, io, method);
  io.out(isSet(flags, "json") ? JSON.stringify(drillDocument(result)) : renderDrill(result, coloursWanted(io)));
  return result.passed ? 0 : 1;
}

/** Nothing of it is kept, and nobody is told: it proves the program, not a deployment. */
async function inSandbox(flags: Flags, io: Io, method: Method): Promise<DrillResult> {
  // Before anything is started.
  const guarded = guardedBot(flags);
  const left = text(flags, "without") as "watchdog" | "eew" | undefined;
  const without = left === undefined ? [] : [left];
  io.err("Starting redis-server, the simulated exchange and the three roles");
  if (guarded !== undefined) {
    const struck = guarded === "bot" ? "the bot" : "its guard";
    io.err(`The brain is a guard over a bot, and the blow strikes ${struck}`);
  }
  const sandbox = await openSandbox({ env: io.env, self: selfCommand(), without, guarded, signal: io.signal });
  const { env, supervisor, logTails } = sandbox;
  const begin = async () => known(null);
  try {
    const place = {
      target: "sandbox",
      victim: guarded ?? "brain",
      env,
      flags: {},
      supervisor,
      without,
      begin,
      notes: newNotes(),
      logTails,
    } as const;
    return await playDrill(place, io, method);
  } finally {
    await sandbox.close();
  }
}

/**
 * Whom the blows strike where the brain is a guard; undefined: it is the exit brain.
 *
 * @throws {Refusal} if there is nobody of that kind.
 */
function guardedBot(flags: Flags): Struck | undefined {
  const struck = text(flags, "strike") as Struck | undefined;
  if (text(flags, "brain") === "guard") return struck ?? "bot";
  if (struck === undefined) return undefined;
  throw new Refusal(`--strike ${struck} is for a bot that is guarded: expected --brain guard with it`);
}
