/** A master, its replicas and their sentinels for tests, each a process of its own, ended by pid. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../src/adapters/host/port.ts";
import { ChildRun } from "../../src/adapters/host/processes.ts";
import { RedisLink } from "../../src/adapters/redis/link.ts";
import { eventually } from "./eventually.ts";
import { type RedisPlace, startRedisAt, type TestRedis } from "./redis.ts";

export const MASTER_NAME = "quantum-test";

/** One sentinel. */
interface TestSentinel {
  readonly host: string;
  readonly port: number;
  command(...args: readonly string[]): Promise<unknown>;
  signal(name: "SIGSTOP" | "SIGCONT"): void;
}

/** All of them. */
export interface TestSentinels {
  /** How a deployment names them. */
  readonly url: string;
  readonly sentinels: readonly TestSentinel[];
  /** The master at the start. */
  readonly master: TestRedis;
  /** Those who may be promoted. */
  readonly replicas: readonly TestRedis[];
  /** The port that the sentinels call the master's now; null while they do not agree. */
  masterPort(): Promise<string | null>;
  /** Waits until the sentinels agree on another master than the first one. */
  failedOver(): Promise<TestRedis>;
  stop(): Promise<void>;
}

/** Where they are, if not all on loopback. */
export interface SentinelPlaces {
  /** Of the master, and of the first sentinel. */
  readonly master: SentinelPlace;
  readonly others: SentinelPlace;
}

type SentinelPlace = Pick<RedisPlace, "by"> & { readonly host: string };

const LOOPBACK: SentinelPlace = { host: "127.0.0.1" };

/** Starts a master, two replicas and three sentinels that fail over half a second after the master is gone. */
export async function startSentinels(
  places: SentinelPlaces = { master: LOOPBACK, others: LOOPBACK },
): Promise<TestSentinels> {
  const quick = ["--protected-mode", "no", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];
  const master = await startRedisAt(places.master, ...quick);
  const { hostname, port } = new URL(master.url);
  const follow = [...quick, "--replicaof", `${hostname} ${port}`];
  const replicas = await Promise.all([1, 2].map(() => startRedisAt(places.others, ...follow)));
  const sentinels = await Promise.all(
    [places.master, places.others, places.others].map((place) =>
      startSentinel({ place, masterHost: hostname, masterPort: port, quorum: 2 }),
    ),
  );
  await eventually("the sentinels know each other and both replicas", async () => {
    const views = await Promise.all(sentinels.map(({ command }) => command("SENTINEL", "MASTER", MASTER_NAME)));
    return views.map(fieldsOf).every((view) => view["num-slaves"] === "2" && view["num-other-sentinels"] === "2");
  });
  await eventually("the replicas follow", async () => (await master.command("WAIT", "2", "50")) === 2);

  const masterPort = async (): Promise<string | null> => {
    const answers = await Promise.all(
      sentinels.map(({ command }) => command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME)),
    );
    const ports = new Set((answers as readonly (readonly string[])[]).map(([, agreed]) => agreed));
    const [agreed = null] = ports;
    return ports.size === 1 ? agreed : null;
  };
  return {
    url: `redis+sentinel://${sentinels.map(({ host, port }) => `${host}:${port}`).join(",")}/${MASTER_NAME}`,
    sentinels,
    master,
    replicas,
    masterPort,
    failedOver: async () => {
      let promoted: TestRedis | undefined;
      await eventually("a replica is promoted", async () => {
        const now = await masterPort();
        promoted = replicas.find((replica) => new URL(replica.url).port === now);
        return promoted !== undefined && String(await promoted.command("ROLE")).startsWith("master");
      });
      if (promoted === undefined) throw new Error("nobody is promoted");
      return promoted;
    },
    stop: async () => {
      await Promise.all(sentinels.map(({ stop }) => stop()));
      await Promise.all([master, ...replicas].map((one) => one.stop()));
    },
  };
}

/** How one sentinel is set up, besides the usual. */
interface SentinelOptions {
  /** Loopback if not given. */
  readonly place?: SentinelPlace;
  /** Loopback if not given. */
  readonly masterHost?: string;
  readonly masterPort: string;
  /** How many must agree that the master is gone. */
  readonly quorum: number;
  readonly password?: string;
  readonly lines?: readonly string[];
}

/** Starts one sentinel and waits until it answers. */
export async function startSentinel(options: SentinelOptions): Promise<TestSentinel & { stop(): Promise<void> }> {
  const { place = LOOPBACK, masterHost = LOOPBACK.host, masterPort, quorum, password, lines = [] } = options;
  const { host, by = [] } = place;
  const directory = mkdtempSync(join(tmpdir(), "quantum-test-sentinel-"));
  const port = await freePort();
  const file = join(directory, "sentinel.conf");
  writeFileSync(
    file,
    [
      `bind ${host}`,
      "protected-mode no",
      `port ${port}`,
      `dir ${directory}`,
      `sentinel monitor ${MASTER_NAME} ${masterHost} ${masterPort} ${quorum}`,
      `sentinel down-after-milliseconds ${MASTER_NAME} 500`,
      `sentinel failover-timeout ${MASTER_NAME} 2000`,
      ...(password === undefined ? [] : [`requirepass ${password}`]),
      ...lines,
      "",
    ].join("\n"),
  );
  const env = { PATH: process.env["PATH"] ?? "" };
  const logFile = join(directory, "sentinel.log");
  const [program, ...args] = [...by, "redis-server", file, "--sentinel"];
  const run = new ChildRun({ file: program, args, env, cwd: directory, logFile });
  const link = new RedisLink({ url: `redis://:${password ?? ""}@${host}:${port}`, deadlineMs: 2_000 });
  await eventually("a sentinel answers", async () => (await link.ask("ping", (redis) => redis.ping())).known);
  return {
    host,
    port,
    command: async (name = "", ...rest) => {
      const answer = await link.ask(name, (redis) => redis.call(name, ...rest));
      if (!answer.known) throw new Error(answer.why);
      return answer.value;
    },
    signal: (name) => void run.signal(name),
    stop: async () => {
      link.close();
      await run.end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Names and values one after the other, as an object. */
function fieldsOf(flat: unknown): Readonly<Record<string, string>> {
  const words = flat as readonly string[];
  return Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1] ?? ""]] : [])));
}
