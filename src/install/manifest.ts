/** The record of an installation: `installed.json` beside the settings. */

import { z } from "zod";
import type { Account, Layout } from "./layout.ts";
import { POLICY_MODES, type PolicyMode } from "./policy.ts";

/** What was written, so that it can be taken back. */
export interface Manifest {
  readonly version: string;
  readonly layout: Layout;
  readonly packaged: boolean;
  /** The secrets are encrypted by systemd-creds. Decided once: a host that learns it later keeps the files it has. */
  readonly sealed: boolean;
  readonly accounts: readonly Account[];
  /** Whose brains run an exit policy that was installed, and how. */
  readonly policies: ReadonlyMap<Account, PolicyMode>;
  /** Path by path, with the digest of what was written; null where there is none to compare with. */
  readonly files: ReadonlyMap<string, string | null>;
}

/** Where it lies, beside the settings. */
export function manifestPath({ settings }: { readonly settings: string }): string {
  return `${settings}/installed.json`;
}

const shape = z.object({
  format: z.literal(1),
  version: z.string(),
  layout: z.object({ executable: z.string(), units: z.string(), settings: z.string() }),
  packaged: z.boolean(),
  sealed: z.boolean(),
  /** Null is the host's only account. */
  accounts: z.array(z.nullable(z.string())),
  /** Not there in a record from before there were any. */
  policies: z.array(z.object({ account: z.nullable(z.string()), mode: z.enum(POLICY_MODES) })).default([]),
  files: z.record(z.string(), z.nullable(z.string())),
});

/** The text of the record. */
export function manifestText({ files, policies, ...rest }: Manifest): string {
  const modes = [...policies].map(([account, mode]) => ({ account, mode }));
  return `${JSON.stringify({ format: 1, ...rest, policies: modes, files: Object.fromEntries(files) }, null, 2)}\n`;
}

/** Reads such a text; null if it is none, or of a later format. */
export function parseManifest(text: string): Manifest | null {
  try {
    const { format: _, files, policies, ...rest } = shape.parse(JSON.parse(text));
    const modes = new Map(policies.map(({ account, mode }) => [account, mode]));
    return { ...rest, policies: modes, files: new Map(Object.entries(files)) };
  } catch {
    return null;
  }
}
