/** What a test command was asked for. Its usage is the comment at its head, so that there is one text of it. */

import { readFileSync } from "node:fs";

/** The flags of this process as `read` takes them; ends it with the usage for `--help`, and with exit code 2 for a flag that can't be used. */
export function flags<T>(read: (args: readonly string[]) => T): T {
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage());
    process.exit(0);
  }
  try {
    return read(args);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage()}`);
    process.exit(2);
  }
}

/** A whole number; @throws {Error} for any other text, and for one out of bounds. */
export function whole(flag: string, text: string, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`${flag} ${text}: expected a whole number from ${min} to ${max}`);
}

function usage(): string {
  const [, comment = ""] = /^\/\*\*\n(.*?)\n \*\//s.exec(readFileSync(process.argv[1] ?? "", "utf8")) ?? [];
  return comment.replaceAll(/^ \* ?/gm, "");
}
