/**
 * Where the master is, according to its sentinels.
 *
 * ioredis can ask sentinels too, one after the other and from the first of the list with each new client. As a client here
 * lives no longer than its first failure, one frozen sentinel at the head of the list would use up every deadline. So all
 * are asked at once, and as soon as a majority has spoken the newest word counts: one sentinel that missed a failover does
 * not lead back to the old master.
 */

import type { Redis } from "ioredis";
import { type Endpoint, endpointInWords } from "./address.ts";
import { messageOf } from "./error-table.ts";

/** What one sentinel says. */
export interface Word {
  readonly master: Endpoint;
  /** Counts the failovers; the higher, the newer. */
  readonly epoch: bigint;
}

/**
 * Asks every sentinel for the master, and gives the newest word; rejects if none names one.
 *
 * @param open connects to one; whoever gave it ends its connections, and all that are still silent then fail.
 * @param patienceMs how long a majority is waited for. After that the first word that there is must do.
 */
export async function findMaster(
  sentinels: readonly Endpoint[],
  masterName: string,
  open: (sentinel: Endpoint) => Promise<Redis>,
  patienceMs: number,
): Promise<Word> {
  const words: Word[] = [];
  const failures: string[] = [];
  return await new Promise((resolve, reject) => {
    let patient = true;
    const patience = setTimeout(() => {
      patient = false;
      settle();
    }, patienceMs);
    const settle = (): void => {
      const silent = sentinels.length - words.length - failures.length;
      const newest = words.toSorted((one, other) => Number(other.epoch - one.epoch))[0];
      if (newest !== undefined && (words.length > sentinels.length / 2 || silent === 0 || !patient)) {
        clearTimeout(patience);
        resolve(newest);
      } else if (silent === 0) {
        clearTimeout(patience);
        reject(new Error(`NOMASTER no sentinel names a master ${masterName}: ${failures.join("; ")}`));
      }
    };
    for (const sentinel of sentinels) {
      ask(sentinel, masterName, open).then(
        (word) => {
          words.push(word);
          settle();
        },
        (error: unknown) => {
          failures.push(`${endpointInWords(sentinel)}: ${messageOf(error)}`);
          settle();
        },
      );
    }
  });
}

async function ask(
  sentinel: Endpoint,
  masterName: string,
  open: (sentinel: Endpoint) => Promise<Redis>,
): Promise<Word> {
  const redis = await open(sentinel);
  const [address, fields] = await Promise.all([
    // The address of the one that is being promoted as soon as it is; the other command still names the old one then.
    redis.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName),
    redis.call("SENTINEL", "MASTER", masterName),
  ]);
  const [host = "", port = ""] = (address ?? []) as readonly string[];
  if (host === "" || port === "") throw new Error(`knows no master ${masterName}`);
  const flat = fields as readonly string[];
  const epoch = flat[flat.indexOf("config-epoch") + 1] ?? "0";
  return { master: { host, port: Number(port) }, epoch: BigInt(epoch) };
}
