import { describe, expect, test } from "bun:test";
import { type BrainNote, exitsAttention, exitsLine, exitsView } from "../../src/core/brain-note.ts";
import type { BrainMode } from "../../src/core/messages.ts";
import type { RoleView } from "../../src/core/overview.ts";
import { known, type Reading, unknown } from "../../src/core/reading.ts";
import { aBeat } from "../support/core.ts";

type Mode = Extract<BrainNote["work"], { kind: "policy" }>["mode"];

function brain(mode: BrainMode, ageMs = 400): RoleView {
  return { role: "brain", last: { heartbeat: aBeat("ALIVE", "i", { mode }).heartbeat, ageMs } };
}

function policy(mode: Mode, quiet: readonly string[] = []): Reading<BrainNote> {
  return known({ instanceId: "instance-1", work: { kind: "policy", sha256: "ab", mode, quiet } });
}

const IN_SHADOW = "in shadow, until a person says: quantum brain live";

test.each<readonly [BrainMode, Mode, string]>([
  ["live", "live", "live and acted on"],
  ["live", "auto_live", "live and acted on, and after an incident again by itself"],
  ["shadow", "live", "in shadow since the last incident, until a person says: quantum brain live"],
  ["shadow", "shadow", "in shadow, started with --shadow: it is told, and not acted on"],
  ["halted", "live", `not acted on while trading is halted; after the reset ${IN_SHADOW}`],
  ["halted", "shadow", "not acted on while trading is halted; after the reset in shadow, started with --shadow"],
  ["halted", "auto_live", "not acted on while trading is halted; after the reset live again by itself"],
])("a brain that beats %s and was started %s", (beaten, started, words) => {
  expect(exitsLine(exitsView(brain(beaten), policy(started)))).toBe(words);
});

describe("who leaves positions", () => {
  test.each<readonly [string, RoleView | undefined, Reading<BrainNote | null>, string]>([
    ["a brain that never beat", { role: "brain", last: null }, policy("live"), "can't be told, no brain beats"],
    ["a brain that died", brain("live", 5_001), policy("live"), "can't be told, no brain beats"],
    ["no brain at all", undefined, policy("live"), "can't be told, no brain beats"],
    ["a note that can't be read", brain("live"), unknown("NOPERM"), "can't be read, NOPERM"],
    ["no note", brain("live"), known(null), "the brain that beats says nothing of one"],
    [
      "the note of a brain before this one",
      brain("live"),
      known({ instanceId: "instance-0", work: { kind: "watch" } }),
      "the brain that beats says nothing of one",
    ],
    [
      "somebody else's bot",
      { role: "brain", last: { heartbeat: { ...aBeat().heartbeat, details: null }, ageMs: 400 } },
      policy("live"),
      "the brain that beats says nothing of one",
    ],
    [
      "a guard",
      brain("live"),
      known({ instanceId: "instance-1", work: { kind: "guard" } }),
      "none, the brain guards a bot that leaves positions by itself",
    ],
    [
      "a brain without streams",
      brain("live"),
      policy("live", ["account", "marks"]),
      "live and acted on; quiet streams: account, marks",
    ],
  ])("%s", (_what, role, note, words) => {
    expect(exitsLine(exitsView(role, note))).toBe(words);
  });
});

test("a person is asked for where the policy waits for one, and nowhere else", () => {
  const asked = (mode: BrainMode, started: Mode): boolean =>
    exitsAttention(exitsView(brain(mode), policy(started))) !== null;
  expect(asked("shadow", "live")).toBe(true);
  expect([asked("live", "live"), asked("shadow", "shadow"), asked("halted", "live")]).toEqual([false, false, false]);
  expect(exitsAttention({ kind: "watch" })).toBeNull();
});
