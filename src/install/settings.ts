/**
 * The settings file of an account. Two read it: systemd, for the roles, and quantum itself, for the commands that people type
 * (`cli/installed-settings.ts`). Both must understand the same, so it holds plain `NAME=value` lines and nothing else.
 */

/** What is taken over from the environment in which `quantum install` is run. Secrets have files of their own. */
export const SETTINGS = [
  "BINANCE_TESTNET",
  "BINANCE_BASE_URL",
  "BINANCE_STREAM_URL",
  "BINANCE_CA_FILE",
  "REDIS_URL",
  "REDIS_CA_FILE",
  "REDIS_CERT_FILE",
  "REDIS_KEY_FILE",
  "QUANTUM_DIRECT_HTTP",
  "ALERT_WEBHOOK_URL",
  "TELEGRAM_BOT_TOKEN",
  "TELEGRAM_CHAT_ID",
  "LOG_LEVEL",
  "LOG_FORMAT",
] as const;

type Given = Readonly<Record<string, string | undefined>>;

/** The first port of a direct line; another account's is one further. */
const DIRECT_PORT = 8_702;

/** What the direct line of the `n`th account of a host listens on, from 0. */
export function directDoor(n: number): string {
  return `127.0.0.1:${DIRECT_PORT + n}`;
}

/**
 * The text of the file, with what is given filled in, and each setting explained. `null` if nobody has said which venue: a
 * forgotten setting must not pick one (contract section 2), so its line is left to a person.
 */
export function settingsText(given: Given, door: string): string {
  const line = (name: string, example: string): string => {
    const value = given[name];
    return value === undefined || value === "" ? `#${name}=${example}` : `${name}=${value}`;
  };
  const further = SETTINGS.filter((name) => !SHOWN.has(name) && (given[name] ?? "") !== "");
  return `# Settings of Quantum: NAME=value, no quotes. After a change, as root: quantum install --restart

# true: the testnet, false: real money. There is no default: nothing starts without it.
${line("BINANCE_TESTNET", "true")}

REDIS_URL=${given["REDIS_URL"] ?? "redis://127.0.0.1:6379"}

# Where the worker hears of a panic without Redis.
QUANTUM_DIRECT_HTTP=${given["QUANTUM_DIRECT_HTTP"] ?? door}

# Who is told of an incident; several URLs separated by commas, or a Telegram bot and a chat.
${line("ALERT_WEBHOOK_URL", "https://host/path")}
${line("TELEGRAM_BOT_TOKEN", "123456:letters")}
${line("TELEGRAM_CHAT_ID", "123456")}
${further.map((name) => `\n${name}=${given[name]}`).join("")}
`.replace(/\n{2,}$/, "\n");
}

const SHOWN: ReadonlySet<string> = new Set([
  "BINANCE_TESTNET",
  "REDIS_URL",
  "QUANTUM_DIRECT_HTTP",
  "ALERT_WEBHOOK_URL",
  "TELEGRAM_BOT_TOKEN",
  "TELEGRAM_CHAT_ID",
]);

/** Why a value can't stand in the file; null if it can. Never repeats the value. */
export function valueObjection(name: string, value: string): string | null {
  if (!/["'\\\n\r]|^\s|\s$/.test(value)) return null;
  return `${name} has a quote, a backslash, a line break or a space at an end: expected none, for systemd would read it otherwise`;
}

/**
 * Reads such a file, as systemd does as long as it is plain: comments begin with `#` or `;`, and what is around the name and
 * the value does not count. Malformed: the number of the first line that systemd might read in another way, and why.
 */
export function parseSettings(text: string): ReadonlyMap<string, string> | { readonly malformed: string } {
  const settings = new Map<string, string>();
  for (const [i, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) {
      return { malformed: `line ${i + 1} is not NAME=value` };
    }
    const plain = /^"([^"'\\]*)"$/.exec(value)?.[1] ?? /^'([^"'\\]*)'$/.exec(value)?.[1] ?? value;
    if (/["'\\]/.test(plain))
      return { malformed: `line ${i + 1}, ${name}: expected a value without quotes or backslashes in it` };
    settings.set(name, plain);
  }
  return settings;
}
