/** The record of an installation: `installed.json` beside the settings. */

import { z } from "zod";
import type { Account, Layout } from "./layout.ts";

/** What was written, so that it can be taken back. */
export interface Manifest {
  readonly version: string;
  readonly layout: Layout;
  readonly packaged: boolean;
  /** The secrets are encrypted by systemd-creds. Decided once: a host that learns it later keeps the files it has. */
  readonly sealed: boolean;
  readonly accounts: readonly Account[];
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
  files: z.record(z.string(), z.nullable(z.string())),
});

/** The text of the record. */
export function manifestText({ files, ...rest }: Manifest): string {
  return `${JSON.stringify({ format: 1, ...rest, files: Object.fromEntries(files) }, null, 2)}\n`;
}

/** Reads such a text; null if it is none, or of a later format. */
export function parseManifest(text: string): Manifest | null {
  try {
    const { format: _, files, ...rest } = shape.parse(JSON.parse(text));
    return { ...rest, files: new Map(Object.entries(files)) };
  } catch {
    return null;
  }
}
