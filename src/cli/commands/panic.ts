import { Refusal } from "../../config/refusal.ts";
import type { Command } from "../command.ts";
import { isSet, jsonOption, redisOptions, text } from "../options.ts";

/** `quantum panic` */
export const panic: Command = {
  usage: "panic",
  describe: "close everything and halt trading now: publishes a panic event as ops",
  options: {
    ...redisOptions,
    ...jsonOption,
    direct: {
      type: "boolean",
      describe: "call the worker itself, by its socket on this machine or by --url: needs no Redis",
    },
    socket: {
      type: "string",
      describe: "with --direct: the worker's eew.sock (default in RUNTIME_DIRECTORY or STATE_DIRECTORY)",
    },
    url: {
      type: "string",
      describe: "with --direct: the worker's HTTP door, http://HOST:PORT, instead of its socket",
    },
    reason: { type: "string", default: "OPERATOR_PANIC", describe: "why, in your words" },
    "wait-ms": {
      type: "string",
      describe: "how long to wait for the worker's report, 0: not at all (default 15000)",
    },
  },
  hostSettings: () => "all",
  async run(flags, io) {
    const given = ["socket", "url"].filter((name) => text(flags, name) !== undefined);
    if (isSet(flags, "direct")) {
      if (given.length > 1) throw new Refusal("--socket and --url are two ways to the worker: expected one of them");
      const run = await import("../run/panic-direct.ts");
      return await run.panicDirect(flags, io);
    }
    if (given[0] !== undefined) throw new Refusal(`--${given[0]} is for a direct call: expected --direct with it`);
    const run = await import("../run/panic.ts");
    return await run.panic(flags, io);
  },
};
