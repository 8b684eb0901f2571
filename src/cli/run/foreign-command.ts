import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Account } from "../../install/layout.ts";
import { brainDropIns, policyDropIn } from "../../install/policy.ts";

/**
 * The drop-in of a person's own by which the account's brain unit runs another command, such as a guard with its bot; null:
 * there is none. It comes after ours, so it wins.
 */
export function foreignCommand(account: Account): string | null {
  // Of an account, also those of the template.
  const folders = [...(account === null ? [] : [brainDropIns("")]), brainDropIns(account)];
  const dropIns = folders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => path.endsWith(".conf") && path !== policyDropIn(account));
  return dropIns.find((path) => /^\s*ExecStart\s*=\s*\S/m.test(readFileSync(path, "utf8"))) ?? null;
}
