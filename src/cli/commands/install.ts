import type { Command } from "../command.ts";
import { jsonOption } from "../options.ts";

/** `quantum install` */
export const install: Command = {
  usage: "install",
  describe: "put this executable, its systemd units and its settings in place, or bring them up to date",
  options: {
    yes: { type: "boolean", describe: "do not ask" },
    "dry-run": { type: "boolean", describe: "show every file and every command, and do nothing" },
    start: { type: "boolean", describe: "start the roles afterwards" },
    restart: {
      type: "boolean",
      describe:
        "restart the roles that run, one after the other, even if nothing of theirs has changed: for new settings",
    },
    account: {
      type: "string",
      describe: "install the account NAME beside others: units with @NAME, settings in /etc/quantum/NAME",
    },
    policy: {
      type: "string",
      describe:
        "have the brain leave positions by this exit policy (YAML); an upgrade without it keeps the one that is there",
    },
    shadow: { type: "boolean", describe: "with --policy: the brain decides and logs, and sends nothing" },
    "auto-live": {
      type: "boolean",
      describe: "with --policy: after an incident the brain acts again without quantum brain live",
    },
    "no-policy": { type: "boolean", describe: "take the exit policy away again: the brain only watches" },
    "redis-users": {
      type: "boolean",
      describe: "give each role a user of its own on Redis; REDIS_ADMIN_URL is its administrator, if REDIS_URL is not",
    },
    "during-halt": {
      type: "boolean",
      describe: "restart the roles although trading is halted, or whether it is can't be read",
    },
    uninstall: { type: "boolean", describe: "stop everything and take back exactly what was installed" },
    "keep-settings": { type: "boolean", describe: "with --uninstall: leave /etc/quantum as it is" },
    prefix: { type: "string", describe: "write a package's files below this folder instead, and run nothing" },
    ...jsonOption,
  },
  examples: [
    ["quantum install --dry-run", "what would be done on this host"],
    ["BINANCE_TESTNET=true quantum install --yes", "settings are taken over from the environment"],
    ["quantum install --policy exits.yaml --shadow", "an exit policy that only tells at first"],
    ["quantum install --uninstall", "leave nothing behind"],
  ],
  async run(flags, io) {
    const run = await import("../run/install.ts");
    return await run.install(flags, io);
  },
};
