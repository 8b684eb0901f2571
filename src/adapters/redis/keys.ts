/** Every stream and key name (contract section 3), in one place. */

/** The keys of one account. */
export interface Keys {
  readonly heartbeat: { readonly brain: string; readonly watchdog: string; readonly eew: string };
  readonly panic: string;
  readonly completed: string;
  readonly halt: string;
  /** Hash of event id to outcome: what has been executed, for deduplication and for attach. */
  readonly outcomes: string;
  /** Hash of event id to the incident and attempt that it is, for follow-ups. */
  readonly attempts: string;
  /** Set of event ids ever published, so that a repeated publish raises one incident. */
  readonly published: string;
  /** Hash of a panic event's entry id to who executes it, counted up while that goes on. */
  readonly claims: string;
  /** Hash of event id to the legs that its passes found open (JSON), from before their first order until the report. */
  readonly found: string;
  /** The panic stream's newest entry id at the last `quantum reset`: what is not newer is not executed any more. */
  readonly reset: string;
  /** Hash of leg to what the exit policy remembers of it (JSON); `*` is the portfolio. */
  readonly exits: string;
  /** Hash: the last permission for a brain in shadow to act, and up to which panic event it holds. */
  readonly live: string;
  /** Hash: what the brain does besides beating, for people. */
  readonly brain: string;
  /** Stream of what is kept of each live drill. */
  readonly drills: string;
  /** What `quantum doctor` writes to see whether it can, and removes. */
  readonly probe: string;
}

/** The consumer group of the panic stream. */
export const GROUP = "emergency_exit_worker";

/** The keys under `namespace`; an empty one means no prefix. */
export function keysOf(namespace: string): Keys {
  const key = (name: string): string => (namespace === "" ? name : `${namespace}:${name}`);
  return {
    heartbeat: { brain: key("exit_brain:heartbeat"), watchdog: key("watchdog:heartbeat"), eew: key("eew:heartbeat") },
    panic: key("system:panic_close"),
    completed: key("system:panic_close:completed"),
    halt: key("system:state:trading"),
    outcomes: key("quantum:outcomes"),
    attempts: key("quantum:attempts"),
    published: key("quantum:published"),
    claims: key("quantum:claims"),
    found: key("quantum:found"),
    reset: key("quantum:reset"),
    exits: key("quantum:exits"),
    live: key("quantum:live"),
    brain: key("quantum:brain"),
    drills: key("quantum:drills"),
    probe: key("quantum:doctor"),
  };
}
