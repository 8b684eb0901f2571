/** The exit policy that `quantum install` is asked for, or that is installed already. */

import { existsSync } from "node:fs";
import { loadPolicyFile } from "../../config/policy.ts";
import { Refusal } from "../../config/refusal.ts";
import { type Account, type Layout, policyPath } from "../../install/layout.ts";
import type { Wishes } from "../../install/plan.ts";
import type { PolicyMode } from "../../install/policy.ts";
import { type Flags, isSet, text } from "../options.ts";
import { foreignCommand } from "./foreign-command.ts";

/**
 * The policy that is asked for, as its brain will read it; null: none is.
 *
 * @throws {Refusal} naming line and key of what it would refuse, or flags about a policy that do not go together.
 */
export function givenPolicy(flags: Flags): Wishes["policy"] {
  checkFlags(flags);
  const path = text(flags, "policy");
  if (path === undefined) return null;
  const mode: PolicyMode = isSet(flags, "shadow") ? "shadow" : isSet(flags, "auto-live") ? "auto_live" : "live";
  return { text: loadPolicyFile(path).text, mode };
}

function checkFlags(flags: Flags): void {
  const isGiven = text(flags, "policy") !== undefined;
  const how = (["shadow", "auto-live"] as const).filter((name) => isSet(flags, name));
  const [first] = how;
  if (first !== undefined && !isGiven) {
    throw new Refusal(
      `--${first} says how a policy is carried out: expected --policy FILE with it, also where one is installed already`,
    );
  }
  if (how.length > 1) throw new Refusal("--shadow never acts and --auto-live always may: expected one of them");
  if (isGiven && isSet(flags, "no-policy")) {
    throw new Refusal("--policy installs a policy and --no-policy takes it away: expected one of them");
  }
  const named = isGiven ? "policy" : "no-policy";
  if (!isGiven && !isSet(flags, "no-policy")) return;
  const other = isSet(flags, "uninstall") ? "uninstall" : text(flags, "prefix") === undefined ? null : "prefix";
  if (other !== null)
    throw new Refusal(`--${named} is about what an account's brain runs: expected no --${other} with it`);
}

/**
 * What the account's brain is to run: the policy that is `given`, else the one that is `installed` already, as it lies there.
 *
 * @throws {Refusal} naming what is wrong in that one, or the drop-in by which the brain would run something else.
 */
export function wantedPolicy(
  given: Wishes["policy"],
  layout: Layout,
  account: Account,
  installed: PolicyMode | null,
): Wishes["policy"] {
  if (given !== null) {
    const foreign = foreignCommand(account);
    if (foreign === null) return given;
    throw new Refusal(
      `Nothing was touched: by ${foreign} the brain's unit runs another command, and would not read the policy. Expected no ExecStart= there, or no --policy`,
    );
  }
  if (installed === null) return null;
  checkInstalledPolicy(layout, account);
  return { text: null, mode: installed };
}

/**
 * Reads the policy that an account's brain would read at its next start.
 *
 * @throws {Refusal} naming line and key of what it would refuse.
 */
export function checkInstalledPolicy(layout: Layout, account: Account): void {
  const path = policyPath(layout, account);
  if (!existsSync(path)) {
    throw new Refusal(
      `Nothing was touched: the exit policy ${path} is not there any more, expected it, --policy FILE or --no-policy`,
    );
  }
  try {
    loadPolicyFile(path);
  } catch (error) {
    if (error instanceof Refusal) throw new Refusal(`Nothing was touched, the exit policy: ${error.message}`);
    throw error;
  }
}
