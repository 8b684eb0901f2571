/** The roles as systemd runs them (runbook, "Services Required"). */

import { known, type Reading, unknown } from "../../core/reading.ts";
import { serviceOf } from "../../install/units.ts";
import type { BeatingRole } from "../../ports/bus.ts";
import type { Supervisor } from "../../ports/supervisor.ts";
import { accountOf } from "./account.ts";
import { systemctl } from "./systemctl.ts";

/**
 * Asks `systemctl` about the units of one account; a machine without systemd answers every question with unknown.
 *
 * An account that has a name runs as instances (`quantum-exit-brain@NAME.service`), or as the plain units with the name in
 * their settings. Another account's units may run beside them, with real money: a unit is ours only if systemd runs it and
 * its process serves our account. A role that was seen to run keeps its unit: once it is struck there is nothing to see.
 */
export function systemdSupervisor(account: string): Supervisor {
  const found = new Map<BeatingRole, string>();
  const look = async (role: BeatingRole): Promise<Reading<string | null>> => {
    const unit = await activeUnit(role, account);
    if (unit.known && unit.value !== null) found.set(role, unit.value);
    return unit;
  };
  const unitOf = async (role: BeatingRole): Promise<Reading<string>> => {
    const seen = found.get(role);
    const unit = seen === undefined ? await look(role) : known(seen);
    if (!unit.known) return unit;
    return unit.value === null ? unknown(`${role} is not running`) : known(unit.value);
  };
  return {
    running: async (role) => {
      const unit = await look(role);
      return unit.known ? known(unit.value !== null) : unit;
    },
    strike: async (role, blow) => {
      const unit = await unitOf(role);
      return unit.known ? nothing(await systemctl(["kill", "--kill-whom=main", `--signal=${blow}`, unit.value])) : unit;
    },
    restart: async (role) => {
      const unit = await unitOf(role);
      if (!unit.known) return unit;
      // A frozen process does not hear the SIGTERM of a restart; one that is gone already is no reason to complain.
      await systemctl(["kill", "--signal=SIGKILL", unit.value]);
      await systemctl(["reset-failed", unit.value]);
      return nothing(await systemctl(["restart", unit.value]));
    },
  };
}

/** A unit that systemd runs, and whose account its main process serves; unknown where the process does not tell. */
interface ActiveUnit {
  readonly name: string;
  readonly serves: Reading<string>;
}

/** The unit that runs a role of this account; null: there is none. Unknown where which one it is can't be told. */
async function activeUnit(role: BeatingRole, account: string): Promise<Reading<string | null>> {
  const plain = serviceOf(role, null);
  const own = account === "" ? plain : serviceOf(role, account);
  const active: ActiveUnit[] = [];
  for (const name of own === plain ? [plain] : [own, plain]) {
    const state = await stateOf(name);
    if (!state.known) return state;
    if (state.value.active) active.push({ name, serves: accountOf(state.value.mainPid) });
  }
  // What carries the account's name is believed where its process can't be looked into; what doesn't is not.
  const ours = active.filter(({ name, serves }) => (serves.known ? serves.value === account : name === own));
  if (ours.length > 1) {
    const both = ours.map(({ name }) => name).join(" and ");
    return unknown(`${both} both run for account ${account}: expected one of them, stop and disable the other`);
  }
  const [unit] = ours;
  if (unit !== undefined) return known(unit.name);
  if (own === plain && active.length === 0) return known(null);
  const expected =
    own === plain ? `${plain} without QUANTUM_NAMESPACE` : `${own}, or ${plain} with QUANTUM_NAMESPACE=${account}`;
  const instead = active.map(notOurs).map((words) => ` (${words})`);
  return unknown(`${role} is not running for ${inWords(account)}: expected ${expected}${instead.join("")}`);
}

function notOurs({ name, serves }: ActiveUnit): string {
  if (serves.known) return `${name} runs for ${inWords(serves.value)}`;
  return `${name} runs, and which account it serves can't be read, ${serves.why}: try it as root`;
}

function inWords(account: string): string {
  return account === "" ? "the account without a name" : `account ${account}`;
}

/** How systemd sees a unit; one that it doesn't know is not active. */
async function stateOf(unit: string): Promise<Reading<{ readonly active: boolean; readonly mainPid: number }>> {
  const shown = await systemctl(["show", "--property=LoadState,ActiveState,MainPID", unit]);
  if (!shown.known) return shown;
  const property = (name: string): string => new RegExp(`^${name}=(.*)$`, "m").exec(shown.value)?.[1] ?? "";
  const active = property("LoadState") === "loaded" && property("ActiveState") === "active";
  return known({ active, mainPid: Number(property("MainPID")) });
}

function nothing(answer: Reading<string>): Reading<null> {
  return answer.known ? known(null) : answer;
}
