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
    "marks-at-once": { type: "boolean", default: false, describe: "stream a mark as soon as it is moved, too" },
    hedge: { type: "boolean", default: false, describe: "the account is in hedge mode" },
    "portfolio-margin": { type: "boolean", default: false, describe: "the account was switched to Portfolio Margin" },
    leverage: { type: "string", describe: "how many times its margin each position is worth (20)" },
    balance: { type: "string", describe: "what the account has of each margin asset (100000)" },
    symbols: { type: "string", describe: "list that many contracts, e.g. 300" },
    position: {
      type: "string",
      array: true,
      default: [],
      describe: "open a position, e.g. BTCUSDT=0.002, ETHUSDT=-0.05, or BTCUSDT:LONG=0.002 with --hedge",
    },
    faults: { type: "string", describe: "play the fault script in this JSON file" },
    "faults-seed": { type: "string", describe: "draw faults from this number; the same number draws the same ones" },
    "orders-per-10s": { type: "string", describe: "order limit of the account per 10 seconds (300)" },
    "orders-per-minute": { type: "string", describe: "order limit of the account per minute (1200)" },
    "weight-per-minute": { type: "string", describe: "request weight of an address per minute (2400)" },
  },
  examples: [
    ["quantum exchange --position BTCUSDT=0.002", "an account with one long position; prints what to export"],
    ["quantum exchange --symbols 300 --faults-seed 7", "a large venue that fails, each time in the same way"],
  ],
  async run(flags, io) {
    const run = await import("../run/exchange.ts");
    return await run.exchange(flags, io);
  },
};
