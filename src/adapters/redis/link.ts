/**
 * The one place that owns Redis connections.
 *
 * A client that failed in any way is thrown away and the next question builds a new one, asking the sentinels anew where
 * there are any; a dead link then looks like a dead link, never like silence. Nothing tries again by itself (`connect.ts`).
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { SecureContext } from "node:tls";
import { type Redis, ReplyError } from "ioredis";
import { known, type Reading, unknown } from "../../core/reading.ts";
import { type OwnCertificate, trustIn } from "../host/trust.ts";
import { type Endpoint, endpointInWords, parseAddress, type RedisAddress } from "./address.ts";
import { Connections } from "./connect.ts";
import { explain } from "./error-table.ts";
import { findMaster, type Word } from "./sentinel.ts";

/** How to reach Redis. */
export interface LinkOptions {
  /** As `address.ts` reads it; may hold a password, so it never appears in a `why`. */
  readonly url: string;
  /** A certificate authority to trust besides the public ones, where the URL asks for TLS. */
  readonly caPem?: string | null;
  /** Shown to a server that asks who we are. */
  readonly own?: OwnCertificate | null;
  /** How long an answer may take, connecting and asking the sentinels included. */
  readonly deadlineMs: number;
}

/** Of the deadline, how much a majority of the sentinels may use up before a minority must do: the rest is for the master. */
const SENTINELS_SHARE = 1 / 3;

/** How often a sentinel is asked whether the master is still the one: an old one that is well believes so for eight seconds more. */
const SENTINELS_ASKED_MS = 1_000;

type Sentinel = NonNullable<RedisAddress["sentinel"]>;

interface Reached {
  readonly redis: Redis;
  /** By which word of a sentinel this is the master; null without sentinels. */
  readonly word: Word | null;
}

interface Client {
  /** The connected Redis; rejects with the reason if there is none. */
  readonly ready: Promise<Redis>;
  /** Ends it, in the middle of connecting too. */
  end(): void;
}

/** One connection at a time to Redis; ask it, and get an answer or the reason why there is none. */
export class RedisLink {
  readonly #address: RedisAddress;
  readonly #options: LinkOptions;
  #trust: SecureContext | null = null;
  #client: Client | null = null;
  #closed = false;

  /** @throws {Error} if the URL is malformed: `loadRedis` refuses such a one in words. */
  constructor(options: LinkOptions) {
    const address = parseAddress(options.url);
    if ("malformed" in address) throw new Error(`the Redis URL ${address.malformed}`);
    this.#address = address;
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
      const answer = (async (): Promise<T> => use(await client.ready))();
      return known(await Promise.race([answer, deadline]));
    } catch (error) {
      this.#discard(client);
      const { words, needsPerson } = explain(error);
      return unknown(`${what}: ${words}`, needsPerson);
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
    if (this.#address.tls) this.#trust ??= trustIn(this.#options.caPem ?? null, this.#options.own ?? null);
    const connections = this.#connections();
    const reached = this.#reach(connections);
    const client: Client = { ready: reached.then(({ redis }) => redis), end: () => connections.end() };
    const forget = (): void => {
      if (this.#client === client) this.#client = null;
    };
    // A connection that ended while nobody asked is not handed to the next question, which may be the halt. A question
    // that hits its deadline first stops listening; the rejection must not count as unhandled.
    reached.then(({ redis, word }) => {
      redis.once("end", forget);
      if (word !== null) void this.#follow(client, word);
    }, forget);
    client.ready.catch(() => undefined);
    this.#client = client;
    return client;
  }

  #connections(): Connections {
    return new Connections(this.#options.deadlineMs, this.#trust);
  }

  async #reach(connections: Connections): Promise<Reached> {
    const { endpoints, sentinel, credentials, database } = this.#address;
    if (sentinel === null) {
      const redis = await connections.open(endpoints[0], credentials, database);
      await proveLife(redis);
      return { redis, word: null };
    }
    const word = await this.#askSentinels(sentinel, endpoints, connections);
    const redis = await connections.open(word.master, credentials, database);
    // The sentinels may have been wrong, or the master has been made a replica since. An answer proves its life as well.
    const role = String((await redis.role())[0]);
    if (role === "master") return { redis, word };
    throw new Error(`NOMASTER ${endpointInWords(word.master)} is called the master by the sentinels and is a ${role}`);
  }

  async #askSentinels(
    { masterName, credentials }: Sentinel,
    endpoints: readonly Endpoint[],
    parent: Connections,
  ): Promise<Word> {
    const asking = parent.branch();
    const open = (sentinel: Endpoint): Promise<Redis> => asking.open(sentinel, credentials);
    const patienceMs = this.#options.deadlineMs * SENTINELS_SHARE;
    return await findMaster(endpoints, masterName, open, patienceMs).finally(() => asking.end());
  }

  /**
   * Throws the client away once the sentinels have made another the master. The old one may be well, may not have been told
   * for seconds, and confirms what is then lost. One sentinel is asked at a time, since all know within moments; only a newer
   * word counts, and one that can't be asked changes nothing.
   */
  async #follow(client: Client, { master, epoch }: Word): Promise<void> {
    const { endpoints, sentinel } = this.#address;
    for (let turn = 0; sentinel !== null; turn = (turn + 1) % endpoints.length) {
      await sleep(SENTINELS_ASKED_MS, undefined, { ref: false });
      if (this.#client !== client) return;
      const asking = this.#connections();
      const limit = setTimeout(() => asking.end(), this.#options.deadlineMs);
      const word = await this.#askSentinels(sentinel, endpoints.slice(turn, turn + 1), asking).catch(() => null);
      clearTimeout(limit);
      if (word === null || word.epoch <= epoch) continue;
      if (endpointInWords(word.master) !== endpointInWords(master)) this.#discard(client);
    }
  }

  #discard(client: Client): void {
    if (this.#client === client) this.#client = null;
    client.end();
  }
}

/**
 * A frozen server's system accepts connections and keeps what is sent to it: a write would be found there when it wakes,
 * long after it was given up. So the first question is one that does nothing, and any answer to it will do.
 */
async function proveLife(redis: Redis): Promise<void> {
  await redis.ping().catch((error: unknown) => {
    if (!(error instanceof ReplyError)) throw error;
  });
}
