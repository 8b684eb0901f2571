import type { Command } from "../command.ts";
import { jsonOption } from "../options.ts";

/** `quantum brain replay` */
export const replay: Command = {
  usage: "replay",
  describe: "what an exit policy would have done on a path of prices: each decision, a chart, the sum",
  options: {
    policy: { type: "string", demandOption: true, describe: "exit policy (YAML)" },
    candles: {
      type: "string",
      demandOption: true,
      describe: "prices (CSV: time,open,high,low,close, with or without a line of names)",
    },
    entry: { type: "string", demandOption: true, describe: "price at which the position was opened" },
    "entry-time": { type: "string", describe: "when it was opened (default: the first candle)" },
    symbol: { type: "string", describe: "whose rules hold (default: those of every position)" },
    side: { type: "string", choices: ["long", "short"], default: "long", describe: "which way it earns" },
    size: { type: "string", default: "1", describe: "how much was opened" },
    leverage: { type: "string", describe: "how many times its margin the position is worth" },
    "liquidation-price": { type: "string", describe: "where the venue liquidates (default: by --leverage alone)" },
    ...jsonOption,
  },
  examples: [["quantum brain replay --policy exits.yaml --candles btc.csv --entry 60000", "a long of 1 at 60000"]],
  async run(flags, io) {
    const run = await import("../run/replay.ts");
    return await run.replay(flags, io);
  },
};
