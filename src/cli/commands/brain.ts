import { Refusal } from "../../config/refusal.ts";
import type { Command } from "../command.ts";
import { directOptions, isGiven, isSet, redisOptions, streamOptions, text, venueOptions } from "../options.ts";
import { guard } from "./guard.ts";
import { live } from "./live.ts";
import { replay } from "./replay.ts";

/** Flags that say how a policy is carried out. */
const POLICY_FLAGS = ["check-policy", "shadow", "auto-live", "stream-url", "direct-socket", "direct-url"] as const;

/** `quantum brain` */
export const brain: Command = {
  usage: "brain",
  describe: "watch every open position, leave it by the exit policy, prove each decision cycle with a heartbeat",
  options: {
    ...redisOptions,
    ...venueOptions,
    ...streamOptions,
    ...directOptions,
    policy: { type: "string", describe: "file that says when positions are left (YAML; see examples/exits.yaml)" },
    shadow: { type: "boolean", describe: "decide and log by --policy, and send nothing" },
    "auto-live": {
      type: "boolean",
      describe: "after an incident act again without quantum brain live, as soon as the halt is reset",
    },
    "check-policy": {
      type: "boolean",
      describe: "say what --policy means in words, or everything that is wrong with it, and stop",
    },
    json: { type: "boolean", describe: "with --check-policy: the policy as one JSON document" },
  },
  examples: [
    ["quantum brain --check-policy --policy exits.yaml", "what a policy says; needs no Redis and no key"],
    ["quantum brain --policy exits.yaml --shadow", "what it would do with the positions as they are"],
  ],
  subcommands: [guard, live, replay],
  async run(flags, io) {
    const policy = text(flags, "policy");
    const without = POLICY_FLAGS.find((name) => isGiven(flags, name) && policy === undefined);
    if (without !== undefined)
      throw new Refusal(`--${without} is about an exit policy: expected --policy FILE with it`);
    if (isSet(flags, "check-policy")) {
      const run = await import("../run/check-policy.ts");
      return run.checkPolicyFile(flags, io);
    }
    if (isSet(flags, "json")) throw new Refusal("--json shows a policy: expected --check-policy with it");
    if (isSet(flags, "shadow") && isSet(flags, "auto-live")) {
      throw new Refusal("--shadow never acts and --auto-live always may: expected one of them");
    }
    const run = await import("../run/brain.ts");
    return await run.brain(flags, io);
  },
};
