/** A brain's note, as the fields of its hash. */

import { type BrainNote, type BrainWork, POLICY_MODES } from "../../core/brain-note.ts";
import type { Reading } from "../../core/reading.ts";
import { keysOf } from "./keys.ts";
import { RedisLink } from "./link.ts";
import type { RedisBusOptions } from "./redis.ts";

/**
 * Writes the note of one brain. It has a connection of its own: a question that fails ends its connection, and no heartbeat,
 * halt or panic may be on it.
 */
export function redisBrainNote(options: RedisBusOptions): {
  write(note: BrainNote): Promise<Reading<null>>;
  close(): void;
} {
  const { brain } = keysOf(options.namespace);
  const link = new RedisLink(options);
  return {
    write: (note) =>
      link.ask(`write ${brain}`, async (redis) => {
        await redis.hset(brain, noteFields(note));
        return null;
      }),
    close: () => link.close(),
  };
}

/** Every field each time, so that none of a former brain is left. */
function noteFields({ instanceId, work }: BrainNote): Readonly<Record<string, string>> {
  const policy = work.kind === "policy" ? work : null;
  return {
    instance_id: instanceId,
    does: work.kind,
    policy_sha256: policy?.sha256 ?? "",
    policy_mode: policy?.mode ?? "",
    quiet_streams: policy?.quiet.join(",") ?? "",
  };
}

/** The note in such fields; null if there is none, or none that this version understands. */
export function parseNote(fields: Readonly<Record<string, string>>): BrainNote | null {
  const { instance_id: instanceId = "", does = "" } = fields;
  const work = parseWork(does, fields);
  return instanceId === "" || work === null ? null : { instanceId, work };
}

function parseWork(does: string, fields: Readonly<Record<string, string>>): BrainWork | null {
  if (does === "watch" || does === "guard") return { kind: does };
  const { policy_mode: said, policy_sha256: sha256 = "", quiet_streams: quiet = "" } = fields;
  const mode = POLICY_MODES.find((one) => one === said);
  if (does !== "policy" || mode === undefined || !/^[0-9a-f]{64}$/.test(sha256)) return null;
  return { kind: "policy", sha256, mode, quiet: quiet.split(",").filter(Boolean) };
}
