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
      describe: "call the worker on this machine by its socket: needs no Redis",
    },
    socket: {
      type: "string",
      describe: "with --direct: the worker's eew.sock (default in RUNTIME_DIRECTORY or STATE_DIRECTORY)",
    },
    reason: { type: "string", default: "OPERATOR_PANIC", describe: "why, in your words" },
    "wait-ms": {
      type: "string",
      describe: "how long to wait for the worker's report, 0: not at all (default 15000)",
    },
  },
  async run(flags, io) {
    if (isSet(flags, "direct")) {
      const run = await import("../run/panic-direct.ts");
      return await run.panicDirect(flags, io);
    }
    if (text(flags, "socket") !== undefined)
      throw new Refusal("--socket is for a direct call: expected --direct with it");
    const run = await import("../run/panic.ts");
    return await run.panic(flags, io);
  },
};
