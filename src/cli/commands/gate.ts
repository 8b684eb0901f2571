import type { Command } from "../command.ts";
import { jsonOption, redisOptions } from "../options.ts";

/** `quantum gate` */
export const gate: Command = {
  usage: "gate",
  describe: "exit 0 if trading is allowed, 1 if it is halted or the state can't be read",
  options: { ...redisOptions, ...jsonOption },
  examples: [["quantum gate && ./place-orders", "trade only while nothing is halted"]],
  hostSettings: () => "no_secrets",
  async run(flags, io) {
    const run = await import("../run/gate.ts");
    return await run.gate(flags, io);
  },
};
