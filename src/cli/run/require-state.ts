import { lockState } from "../../adapters/host/state-lock.ts";
import { Refusal } from "../../config/refusal.ts";

/** A state directory in use. */
export interface HeldState extends Disposable {
  /** Why it may not be this process's alone; null if it is. */
  readonly trouble: string | null;
}

/** What the lock of each role is called; worker and brain may share a directory. */
const LOCKS = { eew: "lock", brain: "brain" } as const;

/**
 * Makes sure that no other process of this role uses the state directory. Two workers under one name in the consumer group would take
 * each other's unfinished events, and break each other's journal; two brains, of two accounts, would remember each other's legs.
 * Where the lock can't be had at all, as on a full disk, the role goes on without: one that does not start protects nobody.
 *
 * @throws {Refusal} naming who uses it, and what to do.
 */
export async function requireState(role: keyof typeof LOCKS, directory: string): Promise<HeldState> {
  const lock = await lockState(directory, LOCKS[role]);
  if (!lock.known) return { trouble: lock.why, [Symbol.dispose]: () => undefined };
  if (lock.value.kind === "held") return { ...lock.value, trouble: null };
  const { holder } = lock.value;
  const who = holder === null ? "a process that does not answer, perhaps frozen" : `process ${holder}`;
  const todo = "stop that one, or set another STATE_DIRECTORY for this one";
  throw new Refusal(`Another quantum ${role} uses the state directory ${directory} (${who}): ${todo}`);
}
