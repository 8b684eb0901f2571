/**
 * What the runbook shows against what a machine shows. Words match letter for letter; what the runbook can only give an
 * example of (an id, a time, an age, a price) matches whatever has its form. Emoji are for terminals (contract section 1),
 * and journald is none.
 */

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/** What an example looks like in the runbook, and what it stands for. The first that fits is taken. */
const EXAMPLES: readonly { readonly printed: RegExp; readonly stands: string }[] = [
  { printed: new RegExp(UUID, "y"), stands: UUID },
  // The id of an entry in a stream.
  { printed: /\d{13}-\d+/y, stands: "\\d{13}-\\d+" },
  { printed: /\d{13}/y, stands: "\\d{13}" },
  { printed: /\$\d+\.\d\d/y, stands: "\\$\\d+\\.\\d\\d" },
  // A limit follows a ">", and a limit is no example.
  { printed: /(?<!> |>_)\d+\.\d(?=[sS]\b)/y, stands: "\\d+\\.\\d" },
  // An order's id, or milliseconds. Fewer digits count something, and count.
  { printed: /\d{4,}/y, stands: "\\d+" },
];

/** Emoji, with the space between them and the words. */
const EMOJI = /^\p{Extended_Pictographic}\uFE0F? | \p{Extended_Pictographic}\uFE0F?$/gu;

/** journald's own words before each line: time, host, program and process. */
const JOURNAL_PREFIX = /^[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d \S+ \S+?\[\d+\]: /;

/** Whether a line, value or word is what the runbook shows; with `isElided` a "..." at the end stands for the rest. */
export function matches(printed: string, found: string, isElided = false): boolean {
  const rest = isElided && printed.endsWith("...");
  const words = withoutEmoji(rest ? printed.slice(0, -3) : printed);
  return new RegExp(`^${patternOf(words)}${rest ? ".*" : ""}$`, "s").test(withoutEmoji(found));
}

/** What of a log the runbook does not find there: lines that are missing, or out of order. Symbols are worked on side by side. */
export function missingFromLog(printed: readonly string[], log: string): readonly string[] {
  const found = log.split("\n").map((line) => line.replace(JOURNAL_PREFIX, "").trimEnd());
  /** The line behind the last one taken, for each symbol and for the lines of none. */
  const places = new Map<string | null, number>();
  return printed.flatMap((line) => {
    const symbol = symbolIn(line);
    const before =
      symbol === null ? Math.max(0, ...places.values()) : Math.max(places.get(symbol) ?? 0, places.get(null) ?? 0);
    const at = found.findIndex((candidate, i) => i >= before && matches(line, candidate));
    if (at < 0) return [`the log does not show, or not there: ${line}`];
    places.set(symbol, at + 1);
    return [];
  });
}

/**
 * What of redis-cli's answer the runbook does not find there. It shows a reply's first elements, wherever its lines break; what
 * follows them is Quantum's own (contract section 3).
 */
export function missingFromReply(printed: readonly string[], reply: string): readonly string[] {
  const [expected, found] = [tokens(printed.join("\n")), tokens(reply)];
  return expected.flatMap((token, i) => {
    const actual = found[i] ?? "nothing";
    // An example that is cut short stands for the whole of it.
    const isSame = token.endsWith('..."') ? matchesCut(token, actual) : matches(token, actual);
    return isSame ? [] : [`the reply shows ${actual} where the runbook shows ${token}`];
  });
}

/** What of a hash the runbook does not find there: it lists fields as `name: value`. */
export function missingFromHash(printed: readonly string[], reply: string): readonly string[] {
  const quoted = [...reply.matchAll(/^ *\d+\) "(.*)"$/gm)].map(([, text = ""]) => text);
  const fields = new Map(quoted.flatMap((name, i) => (i % 2 === 0 ? [[name, quoted[i + 1] ?? ""] as const] : [])));
  return printed.flatMap((line) => {
    const [, name = "", value = ""] = /^([a-z_]+): (.+)$/.exec(line) ?? [];
    if (name === "") return [`the runbook's "${line}" is no field`];
    const actual = fields.get(name) ?? "nothing";
    return matches(value, actual, true) ? [] : [`${name} is ${actual} where the runbook shows ${value}`];
  });
}

function patternOf(words: string): string {
  let pattern = "";
  for (let i = 0; i < words.length; ) {
    const example = exampleAt(words, i);
    pattern += example?.stands ?? RegExp.escape(words[i] ?? "");
    i += example?.length ?? 1;
  }
  return pattern;
}

function exampleAt(words: string, at: number): { readonly stands: string; readonly length: number } | null {
  // In the middle of a number or of an id no example begins.
  if (at > 0 && /[\da-f]/.test(words[at] ?? "") && /[\da-f]/.test(words[at - 1] ?? "")) return null;
  for (const { printed, stands } of EXAMPLES) {
    printed.lastIndex = at;
    const found = printed.exec(words);
    if (found !== null) return { stands, length: found[0].length };
  }
  return null;
}

/** `"550e8400..."`: the value has the form of what it is cut from, and the runbook shows no other cut value than an id. */
function matchesCut(token: string, actual: string): boolean {
  const isId = /^"[0-9a-f]{8}\.\.\."$/.test(token);
  return isId ? new RegExp(`^"${UUID}"$`).test(actual) : actual.startsWith(token.slice(0, -4));
}

const withoutEmoji = (line: string): string => line.replace(EMOJI, "");

function symbolIn(line: string): string | null {
  return /\b[A-Z]{3,}USDT\b/.exec(line)?.[0] ?? null;
}

/** `1)` and `"text"`, in order. */
function tokens(text: string): readonly string[] {
  return [...text.matchAll(/\d+\)|"[^"]*"/g)].map(([token]) => token);
}
