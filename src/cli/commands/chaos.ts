import type { Command } from "../command.ts";
import { isSet, jsonOption, redisOptions, venueOptions } from "../options.ts";

/** `quantum chaos` */
export const chaos: Command = {
  usage: "chaos [drill]",
  describe: "run a drill of the runbook, against a live testnet deployment or in a sandbox",
  positionals: {
    drill: { type: "string", choices: ["brain-kill"], default: "brain-kill", describe: "which drill" },
  },
  options: {
    sandbox: { type: "boolean", default: false, describe: "start an own Redis, simulated exchange and roles for it" },
    method: {
      type: "string",
      choices: ["sigkill", "sigterm", "sigstop"],
      default: "sigkill",
      describe: "how to strike",
    },
    without: {
      type: "string",
      choices: ["watchdog", "eew"],
      describe: "with --sandbox: leave this one out, to see the drill fail",
    },
    brain: {
      type: "string",
      choices: ["exit-brain", "guard"],
      describe: "with --sandbox: whose death is drilled, the exit brain's or that of a bot under quantum brain guard",
    },
    strike: {
      type: "string",
      choices: ["bot", "guard"],
      describe: "with --brain guard: whom the blow strikes, the bot (default) or its guard",
    },
    yes: { type: "boolean", default: false, describe: "do not ask before striking a live deployment" },
    ...redisOptions,
    ...venueOptions,
    ...jsonOption,
  },
  examples: [
    ["quantum chaos --sandbox", "see everything work, on this machine, in half a minute"],
    ["quantum chaos --sandbox --without watchdog", "see the drill fail, as it must"],
    ["quantum chaos --sandbox --brain guard", "the same drill with a bot that is guarded"],
  ],
  hostSettings: (flags) => (isSet(flags, "sandbox") ? "none" : "all"),
  async run(flags, io) {
    const run = await import("../run/chaos.ts");
    return await run.chaos(flags, io);
  },
};
