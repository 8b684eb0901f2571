/**
 * A machine that has booted systemd: a container of systemd-nspawn over a copy-on-write view of a root.
 *
 * It lives in the network and mount namespaces of this process (`namespaces.ts`): 127.0.0.1 is the same for both, and what it
 * writes is gone with the process, as is the machine itself, however that ends.
 */

import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ChildRun } from "../../src/adapters/host/processes.ts";
import { eventually } from "../support/eventually.ts";
import type { Finished } from "../support/run.ts";
import { ownGroups, removeGroups } from "./cgroups.ts";
import { hostEnvironment, onHost } from "./host.ts";

/** It took 0.5 s on an idle machine. */
const BOOT_MS = 60_000;
/** systemd gives a unit 90 s to stop, and none of these needs five. */
const SHUTDOWN_MS = 30_000;
/** For a command that is given no limit of its own. */
const COMMAND_MS = 30_000;
/** A command is ended inside first, so that nothing of it is left there. */
const OUTSIDE_MS = 3_000;
/** What systemd-nspawn ends with when its machine wants to be booted again (systemd-nspawn(1), --keep-unit). */
const WANTS_REBOOT = 133;
const CONSOLE_LINES = 25;

/** Nothing of this process's environment gets in. */
const ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
};

/** How a command is run inside. */
export interface InsideOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
}

/** A machine, and what a person at its console could do. */
export class Machine {
  /** The file system of the machine, as this process sees it; `/run` and `/tmp` are the machine's own. */
  readonly root: string;
  /** For what is written about it, such as its console. */
  readonly directory: string;
  readonly #console: string;
  readonly #groups: readonly string[] = ownGroups();
  #container: { readonly run: ContainerRun; readonly leader: number } | null = null;
  #switchedOnAtMs = 0;
  #bootMs = 0;

  private constructor(directory: string, root: string) {
    this.directory = directory;
    this.root = root;
    this.#console = join(directory, "console.log");
  }

  /**
   * Boots a new machine in `directory`, an empty one, over `lower`, which stays as it is.
   *
   * @throws {Error} with the end of its console, if it does not boot.
   */
  static async boot(lower: string, directory: string): Promise<Machine> {
    const [upper, work, root] = ["upper", "work", "root"].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [upper, work, root]) mkdirSync(path);
    onHost("mount", "-t", "overlay", "overlay", "-o", `lowerdir=${lower},upperdir=${upper},workdir=${work}`, root);
    const machine = new Machine(directory, root);
    await machine.#start();
    return machine;
  }

  /** The process that is 1 inside. */
  get leader(): number {
    if (this.#container === null) throw new Error("the machine is off");
    return this.#container.leader;
  }

  /** How a person gets in. */
  get entry(): string {
    return `nsenter -t ${this.leader} -a bash -l`;
  }

  /** When it was last switched on, on this machine's wall clock, which is its own as well. */
  get switchedOnAtMs(): number {
    return this.#switchedOnAtMs;
  }

  /** How long it took then to be up. */
  get bootMs(): number {
    return this.#bootMs;
  }

  /** Types a line into a shell of the machine. Ends within the limit; code 137 where it had to be killed. */
  async type(line: string, { env = {}, limitMs = COMMAND_MS }: InsideOptions = {}): Promise<Finished> {
    const child = spawn("nsenter", this.#inside(line, env, limitMs), { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text: Buffer) => {
      stdout += text.toString();
    });
    child.stderr.on("data", (text: Buffer) => {
      stderr += text.toString();
    });
    const limit = setTimeout(() => child.kill("SIGKILL"), limitMs + OUTSIDE_MS);
    return await new Promise((resolve) => {
      child.once("error", (error) => resolve({ code: null, stdout, stderr: error.message }));
      child.once("close", (code) => {
        clearTimeout(limit);
        resolve({ code, stdout, stderr });
      });
    });
  }

  /** The same for a line that has to work. @throws {Error} with what it has said, if it ends with anything but 0. */
  async must(line: string, options: InsideOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.type(line, options);
    if (code === 0) return stdout;
    throw new Error(`${line}: ended with ${code}\n${stdout}${stderr}`.trimEnd());
  }

  /** Types a line that goes on by itself, such as `journalctl -f`; what it writes goes to `logFile`, and it ends within the limit. */
  begin(line: string, logFile: string, limitMs: number, env: Readonly<Record<string, string>> = {}): ChildRun {
    const args = this.#inside(line, env, limitMs);
    return new ChildRun({ file: "nsenter", args, env: hostEnvironment(), cwd: "/", logFile });
  }

  /** Reboots it as a person would, and waits until it is up again. */
  async reboot(): Promise<void> {
    const { run } = this.#running();
    await this.must("systemctl reboot");
    await run.endsWith(WANTS_REBOOT, SHUTDOWN_MS);
    await this.#start();
  }

  /** Its power fails: no process of it gets another instruction. What it had written is there when it is started again. */
  async cutPower(): Promise<void> {
    const { run, leader } = this.#running();
    // The kernel kills the rest of its process namespace with it.
    process.kill(leader, "SIGKILL");
    await run.endsWith(null, SHUTDOWN_MS);
    this.#container = null;
  }

  /** Switches it on again. */
  async powerOn(): Promise<void> {
    await this.#start();
  }

  /** Shuts it down in order, or for certain after a while. */
  async shutDown(): Promise<void> {
    if (this.#container === null) return;
    const { run } = this.#container;
    this.#container = null;
    run.askToEnd();
    await run.endsWith(0, SHUTDOWN_MS).catch(() => undefined);
    await run.kill();
    // What was killed leaves its group a moment later.
    await eventually("the control groups are empty", () => areRemoved(this.#groups)).catch(() => undefined);
  }

  #running(): { readonly run: ContainerRun; readonly leader: number } {
    if (this.#container === null) throw new Error("the machine is off");
    return this.#container;
  }

  async #start(): Promise<void> {
    this.#container = null;
    this.#switchedOnAtMs = Date.now();
    const run = new ContainerRun(this.root, this.#console, this.#groups);
    try {
      await eventually("the container has a first process", () => run.leader() !== null, BOOT_MS);
      this.#container = { run, leader: run.leader() as number };
      // "degraded" is up, too: whoever cares asks.
      const isUp = async (): Promise<boolean> => {
        if (!run.running()) throw new Error("it has ended");
        return /^(running|degraded)$/m.test((await this.type("systemctl is-system-running")).stdout);
      };
      await eventually("the machine has booted", isUp, BOOT_MS);
    } catch (error) {
      const lines = readFileSync(this.#console, "utf8").trimEnd().split("\n").slice(-CONSOLE_LINES);
      await run.kill();
      throw new Error(`The machine does not boot (${String(error)}). The end of its console:\n${lines.join("\n")}`);
    }
    this.#bootMs = Date.now() - this.#switchedOnAtMs;
  }

  #inside(line: string, env: Readonly<Record<string, string>>, limitMs: number): readonly string[] {
    const pairs = Object.entries({ ...ENVIRONMENT, ...env }).map(([name, value]) => `${name}=${value}`);
    const seconds = String(limitMs / 1_000);
    const bounded = ["timeout", "--signal=KILL", seconds, "bash", "-c", line];
    return ["-t", String(this.leader), "-a", "--wd", "--", "env", "-i", ...pairs, ...bounded];
  }
}

function areRemoved(groups: readonly string[]): boolean {
  try {
    removeGroups(groups);
    return true;
  } catch {
    return false;
  }
}

/** Joins the control groups that are named before `--`, and goes on as what is named behind it. */
const IN_GROUPS = 'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs"; shift; done; shift; exec "$@"';

/** One life of a container. */
class ContainerRun {
  readonly #child: ReturnType<typeof spawn>;
  #ended: { readonly code: number | null } | null = null;

  constructor(root: string, console: string, groups: readonly string[]) {
    const log = openSync(console, "a");
    // As --private-network, but for the namespace: this process's own, so that the venue in it outlives a reboot.
    const network = "--network-namespace-path=/proc/self/ns/net";
    const nspawn = [
      "systemd-nspawn",
      "--boot",
      `--directory=${root}`,
      "--keep-unit",
      "--register=no",
      "--quiet",
      network,
    ];
    // In a process namespace of its own, of which it is the first: should this process die without a word, all of it is killed.
    const alone = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", ...nspawn];
    this.#child = spawn("setpriv", ["--pdeathsig", "KILL", "sh", "-c", IN_GROUPS, "sh", ...groups, "--", ...alone], {
      stdio: ["ignore", log, log],
      env: hostEnvironment(),
      detached: true,
    });
    closeSync(log);
    this.#child.once("error", () => {
      this.#ended = { code: null };
    });
    this.#child.once("exit", (code) => {
      this.#ended = { code };
    });
  }

  running(): boolean {
    return this.#ended === null;
  }

  /** The container's first process, once there is one: systemd-nspawn has had other children before. */
  leader(): number | null {
    if (this.#ended !== null) throw new Error("systemd-nspawn has ended");
    const nspawn = this.#nspawn();
    return nspawn === null ? null : (childrenOf(nspawn).find(isFirstInside) ?? null);
  }

  /** Asks systemd-nspawn to shut its machine down. */
  askToEnd(): void {
    const nspawn = this.#nspawn();
    if (this.#ended === null && nspawn !== null) process.kill(nspawn, "SIGTERM");
  }

  /** Waits for its end; null takes any code. */
  async endsWith(code: number | null, limitMs: number): Promise<void> {
    await eventually("the container has ended", () => this.#ended !== null, limitMs);
    const found = this.#ended?.code;
    if (code !== null && found !== code) throw new Error(`systemd-nspawn ended with ${found}, expected ${code}`);
  }

  async kill(): Promise<void> {
    if (this.#ended === null) this.#child.kill("SIGKILL");
    await eventually("systemd-nspawn is gone", () => this.#ended !== null);
  }

  /** The process below `unshare`. */
  #nspawn(): number | null {
    const { pid } = this.#child;
    return pid === undefined ? null : (childrenOf(pid)[0] ?? null);
  }
}

function childrenOf(pid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return children.split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Whether the process is number 1 of the process namespace that it is in, and that one is below systemd-nspawn's own. */
function isFirstInside(pid: number): boolean {
  try {
    return /^NSpid:\t\d+\t\d+.*\t1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
