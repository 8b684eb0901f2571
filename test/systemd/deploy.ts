/** Puts Quantum on a machine, as its README says. */

import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { QUANTUM, ROOT } from "../support/run.ts";
import { WORKER_KEY } from "../support/worker.ts";
import type { Machine } from "./machine.ts";
import { UNITS } from "./units.ts";

/** Where the venue is, and who vouches for it. */
export interface VenueAddress {
  readonly url: string;
  readonly caPem: string;
}

/** Where the venue's certificate authority goes: every role's user has to read it. */
const CA_FILE = "/etc/ssl/quantum-venue.pem";

/** Where the executable goes. */
const EXECUTABLE = "/usr/local/bin/quantum";

/** Copies the executable and the units, writes the settings and the key, and enables the units; starts nothing. */
export async function deploy(machine: Machine, venue: VenueAddress): Promise<void> {
  const inside = (path: string): string => join(machine.root, path);
  copyFileSync(QUANTUM, inside(EXECUTABLE));
  chmodSync(inside(EXECUTABLE), 0o755);
  const units = join(ROOT, "systemd");
  for (const name of readdirSync(units)) copyFileSync(join(units, name), join(inside("/etc/systemd/system"), name));
  mkdirSync(inside("/etc/ssl"), { recursive: true });
  writeFileSync(inside(CA_FILE), venue.caPem, { mode: 0o644 });
  mkdirSync(inside("/etc/quantum"), { mode: 0o700 });
  const settings = [
    "BINANCE_TESTNET=true",
    "REDIS_URL=redis://127.0.0.1:6379",
    `BINANCE_BASE_URL=${venue.url}`,
    `BINANCE_CA_FILE=${CA_FILE}`,
  ];
  writeFileSync(inside("/etc/quantum/quantum.env"), `${settings.join("\n")}\n`, { mode: 0o600 });
  const secret = (name: string, value: string): void =>
    writeFileSync(inside(`/etc/quantum/${name}`), `${value}\n`, { mode: 0o600 });
  secret("binance-api-key", WORKER_KEY.BINANCE_API_KEY);
  secret("binance-api-secret", WORKER_KEY.BINANCE_API_SECRET);
  // Debian's Redis writes to the disk every few minutes: after a power cut it would know of no brain.
  await machine.must("redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE");
  await machine.must("systemctl daemon-reload");
  await machine.must(`systemctl enable ${UNITS.join(" ")}`);
}

/** What a person types before a command of Quantum's (README, Deploy). */
export const SETTINGS_IN_SHELL: string = [
  "set -a; . /etc/quantum/quantum.env; set +a",
  "export BINANCE_API_KEY_FILE=/etc/quantum/binance-api-key BINANCE_API_SECRET_FILE=/etc/quantum/binance-api-secret",
].join("\n");
