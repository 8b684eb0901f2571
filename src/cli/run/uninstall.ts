import { existsSync, readFileSync } from "node:fs";
import { Refusal } from "../../config/refusal.ts";
import { BY_HAND } from "../../install/layout.ts";
import { manifestPath } from "../../install/manifest.ts";
import { leftBehind, removal } from "../../install/removal.ts";
import type { ExitCode, Io } from "../io.ts";
import { type Flags, isSet, text } from "../options.ts";
import { carryOut } from "./carry-out.ts";
import { lookAt, readManifest } from "./installation.ts";
import { confirm, show, tellDone } from "./propose.ts";
import { administrator } from "./redis-users.ts";

/** Runs `quantum install --uninstall`. */
export async function uninstall(flags: Flags, io: Io): Promise<ExitCode> {
  if (text(flags, "account") !== undefined) {
    throw new Refusal("--uninstall takes back the whole installation: expected no --account with it");
  }
  const record = manifestPath(BY_HAND);
  const manifest = readManifest(BY_HAND);
  if (manifest === null)
    throw new Refusal(`Nothing to take back: ${record}, the record of an installation, is not there`);
  const files = new Map([...manifest.files, [record, null]]);
  const paths = [...files.keys(), ...leftBehind(manifest).map(({ path }) => path)];
  const steps = removal({ ...manifest, files }, lookAt(paths), isSet(flags, "keep-settings"));
  if (isSet(flags, "dry-run")) {
    show(steps, "Would do:", flags, io);
    return 0;
  }
  await confirm(steps, "Will do, and nobody guards the account afterwards:", flags, io);
  const settings = `${manifest.layout.settings}/quantum.env`;
  await carryOut(steps, administrator(io.env, existsSync(settings) ? readFileSync(settings, "utf8") : ""), io);
  tellDone(steps, flags, io);
  io.err("Taken back. What is on record in Redis and in systemd's journal stays.");
  return 0;
}
