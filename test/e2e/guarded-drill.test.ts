/** The runbook's drill where the brain is a guard over a bot: whoever of the two is struck, it must pass, and it must be able to fail. */

import { describe, expect, test } from "bun:test";
import { CRITERIA, DRILL_MS, document, drill } from "../support/sandbox-drill.ts";

const GUARDED = ["--json", "--brain", "guard"];

describe("chaos --sandbox --brain guard", () => {
  test.concurrent.each([
    ["bot", "sigkill"],
    ["bot", "sigstop"],
    ["guard", "sigkill"],
    ["guard", "sigterm"],
    ["guard", "sigstop"],
  ])(
    "passes with a blow at the %s by %s, recovers, and leaves no process and no file behind",
    async (struck, method) => {
      const finished = await drill([...GUARDED, "--strike", struck, "--method", method]);
      expect(finished.code, finished.stderr).toBe(0);
      expect(finished.stderr).toContain(`the blow strikes ${struck === "bot" ? "the bot" : "its guard"}`);
      expect(finished.stderr).toContain(`Striking the ${struck} with ${method.toUpperCase()}`);
      expect(finished.stdout).toContain(`${struck} struck with ${method.toUpperCase()}`);
      const { passed, checks, recovery } = document(finished);
      expect(passed).toBe(true);
      expect(checks.map(({ name }) => name)).toEqual([...CRITERIA]);
      expect(checks.every((check) => check.passed)).toBe(true);
      expect(recovery).toEqual({ passed: true, failure: null } as typeof recovery);
      expect([...finished.filesLeft, ...finished.processesLeft]).toEqual([]);
    },
    DRILL_MS,
  );

  test.concurrent(
    "goes red without a watchdog",
    async () => {
      const finished = await drill([...GUARDED, "--without", "watchdog"]);
      expect(finished.code, finished.stderr).toBe(1);
      const { passed, event_id, recovery } = document(finished);
      expect({ passed, event_id, recovery }).toEqual({ passed: false, event_id: null, recovery: null });
      expect([...finished.filesLeft, ...finished.processesLeft]).toEqual([]);
    },
    DRILL_MS,
  );

  test.concurrent(
    "ended in the middle, it leaves nothing behind, neither guard nor bot",
    async () => {
      let sent = false;
      const finished = await drill(GUARDED, {
        watch: (stderr, kill) => {
          if (sent || !stderr.includes("Striking")) return;
          sent = true;
          kill("SIGINT");
        },
      });
      expect(finished.code).toBe(1);
      expect([...finished.filesLeft, ...finished.processesLeft]).toEqual([]);
    },
    DRILL_MS,
  );
});
