/**
 * The one place that owns Redis connections.
 *
 * ioredis is given no say in recovery: no offline queue (a panic or a heartbeat sent after an outage would be
 * stale), no resend (a lost reply would write twice), no reconnect. A client that failed in any way is thrown
 * away and the next question builds a new one; a dead link then looks like a dead link, never like silence.
 */

import { Redis } from "ioredis";
import { known, type Reading, unknown } from "../../core/reading.ts";

/** How to reach Redis. */
export interface LinkOptions {
  /** `redis://` or `rediss://`; may hold a password, so it never appears in a `why`. */
  readonly url: string;
  /** How long an answer may take, connecting included. */
  readonly deadlineMs: number;
}

interface Client {
  readonly redis: Redis;
  /** Rejects with the reason if the connection could not be made. */
  readonly ready: Promise<void>;
}

/** One connection at a time to Redis; ask it, and get an answer or the reason why there is none. */
export class RedisLink {
  readonly #options: LinkOptions;
  #client: Client | null = null;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  /**
   * Runs `use` on a connected client. Never rejects; settles within the deadline plus `blockMs`, for commands
   * that block on the server. Unknown after a write means that it may or may not have happened.
   *
   * @param what names the question in the reason, e.g. `publish to system:panic_close`.
   */
  async ask<T>(what: string, use: (redis: Redis) => Promise<T>, blockMs = 0): Promise<Reading<T>> {
    if (this.#closed) return unknown(`${what}: this connection was closed`);
    const client = this.#connect();
    const limitMs = this.#options.deadlineMs + blockMs;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${limitMs} ms`)), limitMs);
    });
    try {
      const answer = (async (): Promise<T> => {
        await client.ready;
        return await use(client.redis);
      })();
      return known(await Promise.race([answer, deadline]));
    } catch (error) {
      this.#discard(client);
      return unknown(`${what}: ${describe(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the connection. Questions under way settle as unknown. */
  close(): void {
    this.#closed = true;
    if (this.#client !== null) this.#discard(this.#client);
  }

  #connect(): Client {
    if (this.#client !== null) return this.#client;
    const redis = new Redis(this.#options.url, {
      protocol: 2,
      lazyConnect: true,
      connectTimeout: this.#options.deadlineMs,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      retryStrategy: () => null,
      reconnectOnError: null,
      keepAlive: 1_000,
      noDelay: true,
      // Two commands at each connect that nobody needs, and that a user with the least rights may not run.
      disableClientInfo: true,
    });
    // The reason arrives with the rejected command; without a listener ioredis prints it to stderr as well.
    let lastError: unknown = null;
    redis.on("error", (error) => {
      lastError = error;
    });
    const ready = redis.connect().then(
      // ioredis goes on with database 0 where the server has no other; asked again, the server says so.
      async () => {
        const { db } = redis.options;
        if (db !== undefined && db !== 0) await redis.select(db);
      },
      (error: unknown) => {
        throw lastError ?? error;
      },
    );
    // A question that hits its deadline first stops listening; the rejection must not count as unhandled.
    ready.catch(() => undefined);
    const client = { redis, ready };
    // A connection that ended while nobody asked is not handed to the next question, which may be the halt.
    redis.once("end", () => {
      if (this.#client === client) this.#client = null;
    });
    this.#client = client;
    return client;
  }

  #discard(client: Client): void {
    if (this.#client === client) this.#client = null;
    client.redis.disconnect(false);
  }
}

/** An error in words, without what could be secret: ioredis puts neither URL nor password in its messages. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0].message;
  if (error.message.startsWith("NOPERM")) return `${error.message} (${commandOf(error)})`;
  return error.message === "" ? error.name : error.message;
}

/** The command that was refused, by its name only: its arguments may hold a secret. */
function commandOf(error: Error): string {
  const { command } = error as { readonly command?: { readonly name?: string } };
  return command?.name?.toUpperCase() ?? "unknown command";
}
