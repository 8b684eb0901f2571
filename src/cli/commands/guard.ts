import { GUARD_LIMITS } from "../../core/guard-state.ts";
import type { Command } from "../command.ts";
import { directOptions, redisOptions, venueOptions } from "../options.ts";

/** `quantum brain guard` */
export const guard: Command = {
  usage: "guard",
  describe: "run a bot of your own, and beat for it: quantum brain guard [flags] -- COMMAND [ARGS…]",
  runsProgram: true,
  options: {
    ...redisOptions,
    ...venueOptions,
    "probe-http": { type: "string", describe: "the bot is well while a GET of this URL is answered with 2xx" },
    "probe-file": { type: "string", describe: "the bot is well while this file changes; with --max-age-ms" },
    "max-age-ms": { type: "string", describe: "with --probe-file: how long it may stay as it is" },
    "probe-cmd": { type: "string", describe: "the bot is well while this command line (sh) exits with 0" },
    "probe-timeout-ms": { type: "string", describe: "a probe that takes longer has not passed (default 1000)" },
    "start-up-ms": {
      type: "string",
      describe: `how long the bot may take until its probes pass for the first time (default ${GUARD_LIMITS.startUpMs})`,
    },
    "kill-after-ms": {
      type: "string",
      describe: `what the bot may take to end by SIGTERM until it is killed (default ${GUARD_LIMITS.killAfterMs})`,
    },
    "trip-on-exit": {
      type: "boolean",
      describe: "the bot's end is proof: raise the panic at once, as exit_brain, and do not wait for the watchdog",
    },
    ...directOptions,
  },
  examples: [
    ["quantum brain guard --probe-http http://127.0.0.1:8080/api/v1/ping -- freqtrade trade", "guard freqtrade"],
    ["quantum brain guard --probe-file alive --max-age-ms 3000 --trip-on-exit -- python3 bot.py", "guard a script"],
  ],
  async run(flags, io, behindDashes) {
    const run = await import("../run/guard.ts");
    return await run.guard(flags, io, behindDashes);
  },
};
