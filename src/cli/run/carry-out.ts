import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { hostClock } from "../../adapters/host/clock.ts";
import { makeFolder, putFile, removeEmptyFolder, removeFile, removeTree } from "../../adapters/host/files.ts";
import { removeUsers, setUsers } from "../../adapters/redis/users.ts";
import { seal } from "../../adapters/systemd/credentials.ts";
import { systemctl } from "../../adapters/systemd/systemctl.ts";
import type { RedisConfig } from "../../config/redis.ts";
import { Failure } from "../../config/refusal.ts";
import { known, type Reading, unknown } from "../../core/reading.ts";
import type { Step, WantedFile } from "../../install/plan.ts";
import type { Io } from "../io.ts";
import { PATIENT_MS } from "./require-redis.ts";

/** What it takes to go back to where a step began, and what is not needed any more once all of them are done. */
interface Undo {
  back(): Reading<unknown> | Promise<Reading<unknown>>;
  forget?(): void;
}

/**
 * Does what was planned, step by step, and tells each. If one fails, every file is put back as it was, and the roles that were
 * restarted are restarted on the old ones.
 *
 * @param redis as its administrator; used only where there are users to set.
 * @throws {Failure} naming the step, and what became of the others.
 */
export async function carryOut(steps: readonly Step[], redis: RedisConfig, io: Io): Promise<void> {
  const patient = { ...redis, deadlineMs: PATIENT_MS };
  const undos: Undo[] = [];
  const restarted: string[] = [];
  for (const step of steps) {
    const undo = undoOf(step, patient);
    if (undo !== null) undos.push(undo);
    if (step.kind === "restart") restarted.push(step.unit);
    const done = await perform(step, patient, io);
    if (done.known) continue;
    if (undos.length === 0) throw new Failure(done.why);
    io.err(`Failed: ${done.why}. Putting back what was there before`);
    const left = await goBack(undos, restarted);
    const now =
      left.length === 0 ? "everything is as it was before" : `not everything could be put back: ${left.join("; ")}`;
    throw new Failure(`${done.why}; ${now}`);
  }
  for (const { forget } of undos) forget?.();
}

async function goBack(undos: readonly Undo[], restarted: readonly string[]): Promise<readonly string[]> {
  const answers: Reading<unknown>[] = [];
  for (const { back } of undos.toReversed()) answers.push(await back());
  answers.push(await systemctl(["daemon-reload"]));
  for (const unit of restarted) answers.push(await systemctl(["restart", unit]));
  return answers.flatMap((answer) => (answer.known ? [] : [answer.why]));
}

async function perform(step: Step, redis: RedisConfig, io: Io): Promise<Reading<unknown>> {
  switch (step.kind) {
    case "stranger":
      return unknown(step.why);
    case "keep":
      io.err(`Kept ${step.path} (${step.why})`);
      return known(null);
    case "directory":
      io.err(`Created ${step.path}`);
      return makeFolder(step.path, step.mode);
    case "create":
    case "replace":
      io.err(`${step.kind === "create" ? "Created" : "Replaced"} ${step.file.path}`);
      return write(step.file);
    case "remove":
      io.err(`Removed ${step.path}`);
      return remove(step);
    case "run": {
      io.err(`systemctl ${step.args.join(" ")}`);
      const answer = await systemctl(step.args);
      return step.lenient === true ? known(null) : answer;
    }
    case "redis_users": {
      const answer = await setUsers(redis, step.users);
      if (answer.known) io.err(`Users on Redis: ${[...step.users.keys()].join(", ")}`);
      return answer;
    }
    case "no_redis_users": {
      const answer = await removeUsers(redis, step.users);
      io.err(answer.known ? `Users on Redis removed: ${step.users.join(", ")}` : `Users left on Redis: ${answer.why}`);
      return known(null);
    }
    case "restart": {
      const beganAt = hostClock.now();
      const answer = await systemctl(["restart", step.unit]);
      if (answer.known)
        io.err(`Restarted ${step.unit}: at work again after ${Math.round(hostClock.now() - beganAt)} ms`);
      return answer;
    }
  }
}

function write({ content, mode, path }: WantedFile): Reading<null> {
  switch (content.kind) {
    case "program":
      return putFile(path, { from: content.from }, mode);
    case "text":
      return putFile(path, { text: content.text }, mode);
    case "secret": {
      if (!content.sealed) return putFile(path, { text: `${content.value}\n` }, mode);
      const text = seal(content.name, content.value);
      return text.known ? putFile(path, { text: text.value }, mode) : text;
    }
  }
}

function remove({ path, what }: Extract<Step, { kind: "remove" }>): Reading<unknown> {
  switch (what) {
    case "folder":
      return removeEmptyFolder(path);
    case "state":
      return removeTree(path);
    case "file":
    case "text":
      return removeFile(path);
  }
}

/** Looks at what is there before it is changed. */
function undoOf(step: Step, redis: RedisConfig): Undo | null {
  switch (step.kind) {
    case "directory":
      return { back: () => removeEmptyFolder(step.path) };
    case "create":
      return { back: () => removeFile(step.file.path) };
    case "replace":
      return step.file.content.kind === "program" ? keepProgram(step.file.path) : keepText(step.file.path);
    case "run":
      return step.args[0] === "enable" ? { back: () => systemctl(["disable", ...step.args.slice(1)]) } : null;
    case "redis_users": {
      const { former, users } = step;
      return { back: () => (former.size > 0 ? setUsers(redis, former) : removeUsers(redis, [...users.keys()])) };
    }
    case "remove":
      return step.what === "text" ? keepText(step.path) : null;
    case "keep":
    case "stranger":
    case "no_redis_users":
    case "restart":
      return null;
  }
}

/** With the permissions that it has now, and in its folder, which may go with it. */
function keepText(path: string): Undo {
  const text = readFileSync(path, "utf8");
  const mode = statSync(path).mode & 0o7777;
  return {
    back: () => {
      mkdirSync(dirname(path), { recursive: true });
      return putFile(path, { text }, mode);
    },
  };
}

/** Too large to hold in memory; a second name for it costs nothing. */
function keepProgram(path: string): Undo {
  const previous = `${path}.previous`;
  rmSync(previous, { force: true });
  linkSync(path, previous);
  return {
    back: () => {
      try {
        renameSync(previous, path);
        return known(null);
      } catch (error) {
        return unknown(`${previous} can't be renamed to ${path}: ${String(error)}`);
      }
    },
    forget: () => rmSync(previous, { force: true }),
  };
}
