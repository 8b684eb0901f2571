import type { Command } from "../command.ts";
import { jsonOption } from "../options.ts";

/** `quantum exchange` */
export const exchange: Command = {
  usage: "exchange",
  describe: "run a simulated Binance USDⓈ-M exchange on loopback",
  options: {
    ...jsonOption,
    port: { type: "string", default: "8700", describe: "port on 127.0.0.1; 0 picks a free one" },
    https: { type: "boolean", default: false, describe: "serve HTTPS with a throw-away certificate" },
    "ca-file": { type: "string", describe: "with --https: write the certificate here, for BINANCE_CA_FILE" },
    "latency-ms": { type: "string", default: "0", describe: "delay of each answer" },
    hedge: { type: "boolean", default: false, describe: "the account is in hedge mode" },
    position: {
      type: "string",
      array: true,
      default: [],
      describe: "open a position, e.g. BTCUSDT=0.002, ETHUSDT=-0.05, or BTCUSDT:LONG=0.002 with --hedge",
    },
  },
  examples: [["quantum exchange --position BTCUSDT=0.002", "an account with one long position; prints what to export"]],
  async run(flags, io) {
    const run = await import("../run/exchange.ts");
    return await run.exchange(flags, io);
  },
};
