import type { Command } from "../command.ts";
import { jsonOption, redisOptions } from "../options.ts";

/** `quantum panic` */
export const panic: Command = {
  usage: "panic",
  describe: "close everything and halt trading now: publishes a panic event as ops",
  options: {
    ...redisOptions,
    ...jsonOption,
    reason: { type: "string", default: "OPERATOR_PANIC", describe: "why, in your words" },
    "wait-ms": {
      type: "string",
      describe: "how long to wait for the worker's report, 0: not at all (default 15000)",
    },
  },
  async run(flags, io) {
    const run = await import("../run/panic.ts");
    return await run.panic(flags, io);
  },
};
