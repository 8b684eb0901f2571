/** An account's exit policy on a host: where its file lies, and the drop-in by which the brain's unit runs it. */

import { type Account, type Layout, POLICY_FILE, policyPath } from "./layout.ts";
import { serviceOf } from "./units.ts";

/** How the brain carries it out: as always, `--shadow`, or `--auto-live`. */
export const POLICY_MODES = ["live", "shadow", "auto_live"] as const;
export type PolicyMode = (typeof POLICY_MODES)[number];

const FLAGS: Readonly<Record<PolicyMode, string>> = { live: "", shadow: " --shadow", auto_live: " --auto-live" };

/** Where the drop-ins of the account's brain lie: an administrator's folder, also where a package has brought the unit. */
export function brainDropIns(account: Account): string {
  return `/etc/systemd/system/${serviceOf("brain", account)}.d`;
}

/** The drop-in. It is the first in order, so that one of a person's own, such as a guard's, wins. */
export function policyDropIn(account: Account): string {
  return `${brainDropIns(account)}/10-policy.conf`;
}

/** The text of the drop-in. */
export function policyDropInText(layout: Layout, account: Account, mode: PolicyMode): string {
  return `# Written by quantum install --policy, and by each upgrade anew; quantum install --no-policy takes it back.

[Service]
# The brain's user can't look into ${layout.settings}: systemd hands it the file as it is when the brain starts.
LoadCredential=${POLICY_FILE}:${policyPath(layout, account)}
ExecStart=
ExecStart=${layout.executable} brain --policy \${CREDENTIALS_DIRECTORY}/${POLICY_FILE}${FLAGS[mode]}
`;
}
