import { readFileSync } from "node:fs";
import { known, type Reading, unknown } from "../../core/reading.ts";

/**
 * Which account a running role serves, from its own command line and environment (contract section 2): settings that were
 * changed since it was started don't count. Empty for the account without a name. Unknown where it can't be looked at,
 * which is everybody's case but root's and its own.
 */
export function accountOf(pid: number): Reading<string> {
  if (!Number.isSafeInteger(pid) || pid <= 0) return unknown("it has no main process");
  try {
    const [words, environment] = [wordsOf(pid, "cmdline"), wordsOf(pid, "environ")];
    // Of a process that has died and was not waited for yet, both are empty.
    if (words.length === 0 || environment.length === 0) return unknown(`process ${pid} is gone`);
    return known(flagOf(words) ?? variableOf(environment) ?? "");
  } catch (error) {
    return unknown(error instanceof Error ? error.message : String(error));
  }
}

function wordsOf(pid: number, file: "cmdline" | "environ"): readonly string[] {
  return readFileSync(`/proc/${pid}/${file}`, "utf8")
    .split("\0")
    .filter((word) => word !== "");
}

/** The flag wins over the environment; `--namespace NAME` and `--namespace=NAME` are the same. */
function flagOf(words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => word === "--namespace" || word.startsWith("--namespace="));
  const word = words[at];
  return word === "--namespace" ? words[at + 1] : word?.slice("--namespace=".length);
}

/** None of it but this one is looked at: the rest may hold secrets. */
function variableOf(words: readonly string[]): string | undefined {
  const name = "QUANTUM_NAMESPACE=";
  return words.find((word) => word.startsWith(name))?.slice(name.length);
}
