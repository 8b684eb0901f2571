/** Starts those who close, each as a process of its own that waits for the panic event. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ChildRun, type ProcessOptions } from "../../src/adapters/host/processes.ts";
import { eventually } from "../support/eventually.ts";
import { QUANTUM } from "../support/run.ts";
import type { CloserName } from "./rows.ts";

/** Which runtime ccxt runs under. */
export type CcxtRuntime = "bun" | "node";

/** What a closer needs to know. */
export interface CloserWorld {
  /** How to reach Redis and the venue, and the key: the same variables for all of them. */
  readonly env: Readonly<Record<string, string>>;
  /** For logs and state; removed by the caller. */
  readonly directory: string;
  readonly ccxtRuntime: CcxtRuntime;
}

/** All of them say so when they wait for an event. */
const LISTENING = "Listening for panic_close events";

/** Characters of a log that go into an error: enough for a stack. */
const LAST_WORDS = 1_000;

/** Starts a closer, with `positions` to be ready for, and waits until it listens; the caller ends it. */
export async function startCloser(name: CloserName, positions: number, world: CloserWorld): Promise<ChildRun> {
  const { directory } = world;
  const state = join(directory, "state");
  mkdirSync(state, { recursive: true });
  const env = { ...world.env, STATE_DIRECTORY: state, POSITIONS: String(positions) };
  const logFile = join(directory, `${name}-${positions}-${Date.now()}.log`);
  const run = new ChildRun({ ...(await command(name, world)), env, cwd: directory, logFile });
  try {
    await eventually(`${name} listens`, () => {
      if (!run.running()) throw new Error(`${name} ended at once: ${run.log().trim().slice(-LAST_WORDS)}`);
      return run.log().includes(LISTENING);
    });
  } catch (error) {
    await run.end();
    throw error;
  }
  return run;
}

async function command(name: CloserName, world: CloserWorld): Promise<Pick<ProcessOptions, "file" | "args">> {
  switch (name) {
    case "quantum":
      return { file: QUANTUM, args: ["eew"] };
    case "sequential":
      return { file: process.execPath, args: [join(import.meta.dir, "peers", "sequential.ts")] };
    case "ccxt":
      return await ccxtCommand(world.ccxtRuntime);
  }
}

async function ccxtCommand(runtime: CcxtRuntime): Promise<Pick<ProcessOptions, "file" | "args">> {
  const source = join(import.meta.dir, "peers", "ccxt-parallel.ts");
  if (runtime === "bun") return { file: process.execPath, args: [source] };
  // Node.js does not read TypeScript in every version. Written where both package directories are on the way up.
  const outdir = join(import.meta.dir, "node_modules", ".cache");
  const naming = "[name].mjs";
  const built = await Bun.build({ entrypoints: [source], target: "node", packages: "external", outdir, naming });
  if (!built.success)
    throw new Error(
      `The ccxt peer cannot be built for Node.js: ${built.logs.map(({ message }) => message).join("\n")}`,
    );
  return { file: "node", args: [join(outdir, "ccxt-parallel.mjs")] };
}
