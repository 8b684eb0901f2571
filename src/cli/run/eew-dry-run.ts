import { hostClock } from "../../adapters/host/clock.ts";
import { rulebookFile } from "../../adapters/host/rulebook-file.ts";
import { Failure } from "../../config/refusal.ts";
import { stateDirectory } from "../../config/state-directory.ts";
import { loadVenue } from "../../config/venue.ts";
import { type Rehearsal, rehearse } from "../../core/rehearsal.ts";
import type { Exchange } from "../../ports/exchange.ts";
import { coloursWanted, type ExitCode, type Io } from "../io.ts";
import { type Flags, isSet, text } from "../options.ts";
import { rehearsalDocument, renderRehearsal } from "../render-rehearsal.ts";
import { startWaiting } from "../waiting.ts";
import { openVenue } from "./open-venue.ts";

/** Runs `quantum eew --once --dry-run`: shows what a pass would do to the account as it is now. Needs no Redis. */
export async function dryRun(flags: Flags, io: Io): Promise<ExitCode> {
  const venue = loadVenue(io.env, text(flags, "base-url"));
  const exchange = await openVenue(venue);
  try {
    const rehearsal = await readAndRehearse(exchange, io);
    const forMachines = isSet(flags, "json");
    io.out(forMachines ? JSON.stringify(rehearsalDocument(rehearsal)) : renderRehearsal(rehearsal, coloursWanted(io)));
    return 0;
  } finally {
    await exchange.dispose();
  }
}

async function readAndRehearse(exchange: Exchange, io: Io): Promise<Rehearsal> {
  const waiting = startWaiting(io);
  const [positions, resting, mode, rulebook] = await Promise.all([
    waiting.for("the positions", exchange.positions()),
    waiting.for("the resting orders", exchange.restingOrders()),
    waiting.for("the position mode", exchange.positionMode()),
    waiting.for("the venue's rules", exchange.rulebook()),
  ]);
  waiting.end();
  if (!positions.known) throw new Failure(`The positions can't be read, so there is no plan: ${positions.why}`);
  if (!resting.known) throw new Failure(`The resting orders can't be read, so there is no plan: ${resting.why}`);
  if (!mode.known) io.err(`The position mode can't be read, the positions speak for it: ${mode.why}`);
  if (!rulebook.known) io.err(`The venue's rules can't be read, those saved last are used: ${rulebook.why}`);
  return rehearse(
    {
      positions: positions.value,
      resting: resting.value,
      mode,
      rulebook: rulebook.known ? rulebook.value : rulebookFile(stateDirectory(io.env)).load(),
      budget: exchange.orderBudget(),
    },
    hostClock.now(),
  );
}
