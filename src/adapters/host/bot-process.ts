import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { BotEnd } from "../../core/guard-state.ts";
import { known, type Reading, unknown } from "../../core/reading.ts";
import { after } from "../../core/time.ts";
import type { Bot, Running } from "../../ports/bot.ts";
import type { Clock } from "../../ports/clock.ts";
import { livingOf, MARK } from "./descendants.ts";
import { type Keeper, startKeeper } from "./keeper.ts";

/** How soon it is looked again whether something is left. */
const LOOK_MS = 20;

/** What was killed is gone within milliseconds, unless the kernel holds it. */
const KILLED_MS = 1_000;

/** What to run. */
export interface BotOptions {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/**
 * A bot as a child process. It has the guard's own output and error, so that nothing of what it writes is lost or held up on the
 * way, and no input; its process group is its own, and it is ended with the guard, however that ends (`keeper.ts`).
 */
export function botProcess(options: BotOptions): Bot {
  const mark = randomUUID();
  return {
    start: async () => {
      const keeper = await startKeeper(mark);
      if (!keeper.known) return keeper;
      const child = await launch(options, mark);
      if (!child.known) {
        keeper.value.release();
        return child;
      }
      keeper.value.watch(child.value.pid);
      return known(running(child.value, mark, keeper.value, options.clock));
    },
  };
}

interface Launched {
  readonly pid: number;
  readonly ended: Promise<BotEnd>;
}

function launch({ file, args, env }: BotOptions, mark: string): Promise<Reading<Launched>> {
  return new Promise((resolve) => {
    const refuse = (error: unknown): void => {
      resolve(unknown(`${file}: ${error instanceof Error ? error.message : String(error)}`));
    };
    let child: ChildProcess;
    try {
      const stdio = ["ignore", "inherit", "inherit"] as const;
      child = spawn(file, [...args], { env: { ...env, [MARK]: mark }, stdio: [...stdio], detached: true });
    } catch (error) {
      return refuse(error);
    }
    child.once("error", refuse);
    const ended = new Promise<BotEnd>((end) => {
      child.once("exit", (code, signal) => end({ code, signal }));
    });
    child.once("spawn", () => {
      const { pid } = child;
      if (pid === undefined) refuse("it has no process id");
      else resolve(known({ pid, ended }));
    });
  });
}

function running({ pid, ended }: Launched, mark: string, keeper: Keeper, clock: Clock): Running {
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  const tell = (pids: readonly number[], signal: string): void => {
    for (const one of pids) send(one, signal);
  };
  /** Looks until nothing is left, or so long; each time, `meet` gets what is. */
  const wait = async (ms: number, meet: (left: readonly number[]) => void): Promise<readonly number[]> => {
    const until = after(clock.now(), ms);
    for (;;) {
      const left = livingOf(pid, mark);
      if (left.length === 0 || clock.now() >= until) return left;
      meet(left);
      await clock.sleep(LOOK_MS);
    }
  };
  return {
    ended,
    // By process id, and only while it is certainly that of the bot.
    signal: (name) => {
      if (!isOver) send(pid, name);
    },
    end: async (signal, killAfterMs) => {
      const told = new Set<number>();
      // Each once: a second one means "at once, whatever it costs" to many programs.
      let left = await wait(killAfterMs, (present) => {
        tell(
          present.filter((one) => !told.has(one)),
          signal,
        );
        for (const one of present) told.add(one);
      });
      if (left.length > 0) left = await wait(KILLED_MS, (present) => tell(present, "SIGKILL"));
      if (left.length === 0) keeper.release();
      return left;
    },
  };
}

/** By id: under Deno, `ChildProcess.kill` sends a first signal only. */
function send(pid: number, signal: string): void {
  try {
    process.kill(pid, signal as NodeJS.Signals);
  } catch {
    // It is gone already.
  }
}
