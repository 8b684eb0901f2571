/** Puts Quantum on a machine, as its README says: copies the one file, lets it install itself, and starts it. */

import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { QUANTUM } from "../support/run.ts";
import { WORKER_KEY } from "../support/worker.ts";
import type { Machine } from "./machine.ts";

/** Where the venue is, and who vouches for it. */
export interface VenueAddress {
  readonly url: string;
  readonly caPem: string;
}

/** Where the venue's certificate authority goes: every role's user has to read it. */
const CA_FILE = "/etc/ssl/venue.pem";

/** As `scp` would leave it. */
const COPIED = "/root/quantum";

/** It asks systemd for everything, and seals the secrets. */
const INSTALL_MS = 60_000;

/** Installs Quantum and starts it. The environment says the same as on a host of somebody's, and where the simulated venue is. */
export async function deploy(machine: Machine, venue: VenueAddress): Promise<void> {
  const inside = (path: string): string => join(machine.root, path);
  copyFileSync(QUANTUM, inside(COPIED));
  chmodSync(inside(COPIED), 0o755);
  mkdirSync(inside("/etc/ssl"), { recursive: true });
  writeFileSync(inside(CA_FILE), venue.caPem, { mode: 0o644 });
  const secret = (name: string, value: string): void => writeFileSync(inside(name), `${value}\n`, { mode: 0o600 });
  secret("/root/key.txt", WORKER_KEY.BINANCE_API_KEY);
  secret("/root/secret.txt", WORKER_KEY.BINANCE_API_SECRET);
  // Debian's Redis writes to the disk every few minutes: after a power cut it would know of no brain.
  await machine.must("redis-cli CONFIG SET appendonly yes && redis-cli CONFIG REWRITE");
  const env = {
    BINANCE_TESTNET: "true",
    BINANCE_API_KEY_FILE: "/root/key.txt",
    BINANCE_API_SECRET_FILE: "/root/secret.txt",
    BINANCE_BASE_URL: venue.url,
    BINANCE_CA_FILE: CA_FILE,
  };
  await machine.must(`${COPIED} install --yes`, { env, limitMs: INSTALL_MS });
  await machine.must("rm /root/key.txt /root/secret.txt");
}
