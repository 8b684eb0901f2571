/** How to run this very program again. */
export interface SelfCommand {
  readonly file: string;
  readonly args: readonly string[];
}

/** Works for the compiled executable and for the sources under Bun and Deno. */
export function selfCommand(): SelfCommand {
  const [, main = ""] = process.argv;
  // Inside the executable, modules live on a file system of its own.
  if (main.startsWith("/$bunfs/")) return { file: process.execPath, args: [] };
  const runtime = "Deno" in globalThis ? ["run", "-A", "--node-modules-dir=manual"] : [];
  return { file: process.execPath, args: [...runtime, main] };
}
