/**
 * One connection to one server, made once.
 *
 * ioredis is given no say in recovery: no offline queue (a panic or a heartbeat sent after an outage would be stale), no
 * resend (a lost reply would write twice), no reconnect, no search for a master (`sentinel.ts` does that).
 */

import { isIP } from "node:net";
import type { SecureContext } from "node:tls";
import { Redis } from "ioredis";
import type { Credentials, Endpoint } from "./address.ts";

/** Connections that are opened for one purpose and end together. */
export class Connections {
  readonly #deadlineMs: number;
  readonly #trust: SecureContext | null;
  readonly #opened = new Set<Redis>();
  readonly #branches = new Set<Connections>();
  #ended = false;

  /** @param trust null: without TLS. */
  constructor(deadlineMs: number, trust: SecureContext | null) {
    this.#deadlineMs = deadlineMs;
    this.#trust = trust;
  }

  /**
   * Connects and lets itself be admitted; rejects with the reason if that fails. It is not bounded by a deadline that
   * always fires: whoever waits has one, and calls `end`.
   */
  async open({ host, port }: Endpoint, { username, password }: Credentials, database = 0): Promise<Redis> {
    if (this.#ended) throw new Error("this connection was closed");
    const redis = new Redis({
      host,
      port,
      ...(username === "" ? {} : { username }),
      ...(password === "" ? {} : { password }),
      db: database,
      // Said explicitly so that NODE_TLS_REJECT_UNAUTHORIZED=0 in an environment cannot switch it off.
      ...(this.#trust === null
        ? {}
        : { tls: { secureContext: this.#trust, rejectUnauthorized: true, ...named(host) } }),
      protocol: 2,
      lazyConnect: true,
      connectTimeout: this.#deadlineMs,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      retryStrategy: () => null,
      reconnectOnError: null,
      keepAlive: 1_000,
      noDelay: true,
      // It would wait without a word while Redis loads; a question is answered with LOADING.
      enableReadyCheck: false,
      // Two commands at each connect that nobody needs, and that a user with the least rights may not run.
      disableClientInfo: true,
    });
    this.#opened.add(redis);
    // The reason arrives with the rejected command; without a listener ioredis prints it to stderr as well.
    let lastError: unknown = null;
    redis.on("error", (error) => {
      lastError = error;
    });
    try {
      await redis.connect();
    } catch (error) {
      throw lastError ?? error;
    }
    // ioredis goes on with database 0 where the server has no other; asked again, the server says so.
    if (database !== 0) await redis.select(database);
    return redis;
  }

  /** Connections that may end before these, and end with them at the latest. */
  branch(): Connections {
    const branch = new Connections(this.#deadlineMs, this.#trust);
    this.#branches.add(branch);
    return branch;
  }

  /** Ends all of them, those under way too. */
  end(): void {
    this.#ended = true;
    for (const redis of this.#opened) redis.disconnect(false);
    for (const branch of this.#branches) branch.end();
    this.#opened.clear();
    this.#branches.clear();
  }
}

/** The name that the certificate must have; an address is not sent as one (RFC 6066, section 3). */
function named(host: string): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {};
}
