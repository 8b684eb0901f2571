/** Flags that several commands share. */

import type { Options } from "yargs";
import type { RedisFlags } from "../config/redis.ts";

/** Flags by name, as yargs takes them. */
export type OptionSet = Readonly<Record<string, Options>>;

/** Where the bus is. */
export const redisOptions: OptionSet = {
  "redis-url": {
    type: "string",
    describe: "Redis to use, or its sentinels (REDIS_URL; default redis://127.0.0.1:6379)",
  },
  namespace: { type: "string", describe: "prefix of every key (QUANTUM_NAMESPACE)" },
};

/** Which venue. */
export const venueOptions: OptionSet = {
  "base-url": { type: "string", describe: "REST base of the venue (BINANCE_BASE_URL)" },
};

/** The ways to the worker without Redis, for whoever raises a panic. */
export const directOptions: OptionSet = {
  "direct-socket": {
    type: "string",
    describe: "the worker's eew.sock on this machine, called where a panic can't be published (default: none)",
  },
  "direct-url": {
    type: "string",
    describe: "the same by the worker's HTTP door, http://HOST:PORT (default: that of QUANTUM_DIRECT_HTTP)",
  },
};

/** Where the venue streams from. */
export const streamOptions: OptionSet = {
  "stream-url": { type: "string", describe: "where the venue streams from (BINANCE_STREAM_URL)" },
};

/** One JSON document on stdout. */
export const jsonOption: OptionSet = {
  json: { type: "boolean", default: false, describe: "print one JSON document and nothing else on stdout" },
};

/** Flags as yargs hands them over. */
export type Flags = Readonly<Record<string, unknown>>;

/** The text of a flag; undefined if it was not given. */
export function text(flags: Flags, name: string): string | undefined {
  const value = flags[name];
  return typeof value === "string" ? value : undefined;
}

/** Whether a switch was given. */
export function isSet(flags: Flags, name: string): boolean {
  return flags[name] === true;
}

/** Whether a flag of either kind was given. */
export function isGiven(flags: Flags, name: string): boolean {
  return isSet(flags, name) || text(flags, name) !== undefined;
}

/** The flags of `redisOptions`. */
export function redisFlags(flags: Flags): RedisFlags {
  return { redisUrl: text(flags, "redis-url"), namespace: text(flags, "namespace") };
}
