/** The benchmark's venue as its parent sees it. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { VenueCommand, VenueGreeting, VenueReport } from "./protocol.ts";

/** A venue that runs. */
export interface VenueProcess {
  readonly url: string;
  readonly pid: number;
  /** Sends one command and waits for its answer; rejects if the venue has ended. */
  ask(command: VenueCommand): Promise<VenueReport>;
  /** Ends the process. */
  stop(): Promise<void>;
}

/** Starts a venue with this environment and waits until it serves. */
export async function startVenue(env: Readonly<Record<string, string>>): Promise<VenueProcess> {
  const child = spawn(process.execPath, [join(import.meta.dir, "venue.ts")], {
    env: { ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<unknown> => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error("The benchmark's venue has ended");
    return JSON.parse(value);
  };
  const { url } = (await answer()) as VenueGreeting;
  return {
    url,
    pid: child.pid ?? 0,
    ask: async (command) => {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return (await answer()) as VenueReport;
    },
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
