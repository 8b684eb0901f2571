import { Refusal } from "../../config/refusal.ts";
import type { Command } from "../command.ts";
import { isSet, redisOptions, text, venueOptions } from "../options.ts";

/** `quantum brain` */
export const brain: Command = {
  usage: "brain",
  describe: "watch every open position and prove each decision cycle with a heartbeat",
  options: {
    ...redisOptions,
    ...venueOptions,
    policy: { type: "string", describe: "file that says when positions are left (YAML; see examples/exits.yaml)" },
    "check-policy": {
      type: "boolean",
      describe: "say what --policy means in words, or everything that is wrong with it, and stop",
    },
    json: { type: "boolean", describe: "with --check-policy: the policy as one JSON document" },
  },
  examples: [["quantum brain --check-policy --policy exits.yaml", "what a policy says; needs no Redis and no key"]],
  async run(flags, io) {
    if (isSet(flags, "check-policy")) {
      const run = await import("../run/check-policy.ts");
      return run.checkPolicyFile(flags, io);
    }
    if (isSet(flags, "json")) throw new Refusal("--json shows a policy: expected --check-policy with it");
    if (text(flags, "policy") !== undefined)
      throw new Refusal("--policy is not kept here: expected --check-policy with it");
    const run = await import("../run/brain.ts");
    return await run.brain(flags, io);
  },
};
