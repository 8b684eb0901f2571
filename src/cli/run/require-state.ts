import { lockState } from "../../adapters/host/state-lock.ts";
import { Refusal } from "../../config/refusal.ts";

/** A state directory in use. */
export interface HeldState extends Disposable {
  /** Why it may not be this process's alone; null if it is. */
  readonly trouble: string | null;
}

/**
 * Makes sure that no other worker uses the state directory: under one name in the consumer group each would take the other's
 * unfinished events, and they would break each other's journal. Where the lock can't be had at all, as on a full disk, the
 * worker goes on without: one that does not start protects nobody.
 *
 * @throws {Refusal} naming who uses it, and what to do.
 */
export async function requireState(directory: string): Promise<HeldState> {
  const lock = await lockState(directory);
  if (!lock.known) return { trouble: lock.why, [Symbol.dispose]: () => undefined };
  if (lock.value.kind === "held") return { ...lock.value, trouble: null };
  const { holder } = lock.value;
  const who = holder === null ? "a process that does not answer, perhaps frozen" : `process ${holder}`;
  const todo = "stop that one, or set another STATE_DIRECTORY for this one";
  throw new Refusal(`Another quantum eew uses the state directory ${directory} (${who}): ${todo}`);
}
