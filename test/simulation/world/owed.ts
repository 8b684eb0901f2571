/** What the core owes whatever has died with the rest: who of it knows that something is to be done, and still can. */

import { violationIdOf } from "../../../src/adapters/redis/event-id.ts";
import type { RoleName, World } from "../../../src/sim/world.ts";
import type { Witness } from "./witness.ts";

/** Who is left. */
interface Left {
  readonly worker: "eew1" | "eew2";
  readonly watchdog: "wd1" | "wd2" | null;
  readonly redis: boolean;
}

/** What a watchdog tells when its incident begins, or goes on; and when it ends. */
const INCIDENT = /TRIGGERING PANIC CLOSE|says FLAT|ended FLAT|waiting for a heartbeat|started, life/;

/** Who knows that something is to be done, in words; null: nobody has to. */
export async function owed(world: World<Witness>, { worker, watchdog, redis }: Left): Promise<string | null> {
  if (redis && world.witness.events.unfinished() !== null) return `${worker} can read what is on record`;
  const legs = world.left().filter((what) => !/ order /.test(what));
  if (redis && legs.length > 0 && (await isWatchedHalt(world)))
    return `${worker} can see that ${legs.join(", ")} is open under a halt that ended FLAT`;
  if (redis && world.left().length === 0 && !(await isHalted(world)) && world.witness.events.remembersHalt(worker))
    return `${worker} has in its journal that trading is halted`;
  if (legs.length > 0 && watchdog !== null && isInIncident(world, watchdog))
    return `${watchdog} is in an incident that has not ended FLAT`;
  return null;
}

/** The worker watches a halt whose event ended FLAT, unless the event that a violation begins is completed already. */
async function isWatchedHalt({ bus }: World<Witness>): Promise<boolean> {
  const sight = await bus.eew("judge").sightOf(null);
  const standing = sight.known ? sight.value.standing : null;
  if (standing?.outcome !== "FLAT") return false;
  const violationId = violationIdOf(standing.halt.eventId);
  return !bus.completions().some(({ eventId }) => eventId === violationId);
}

async function isHalted({ bus }: World<Witness>): Promise<boolean> {
  const sight = await bus.eew("judge").sightOf(null);
  return sight.known && sight.value.halted;
}

function isInIncident({ trace }: World<Witness>, watchdog: RoleName): boolean {
  const last = trace.lines.findLast((line) => line.trim().split(/\s+/, 2)[1] === watchdog && INCIDENT.test(line));
  return last !== undefined && /TRIGGERING/.test(last);
}
