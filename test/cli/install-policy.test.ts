/** What `quantum install` refuses of an exit policy, before it looks at the host. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "quantum-install-policy-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GOOD = file("good.yaml", "defaults: { stop-loss: 2 % }\n");

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function refusal(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await cli(["install", "--yes", ...args]);
  expect({ code, out, lines: err.length }).toEqual({ code: 2, out: [], lines: 1 });
  return err.join("");
}

describe("quantum install --policy", () => {
  test("names the line, the key and what was expected, as --check-policy does", async () => {
    const bad = file("bad.yaml", "defaults:\n  stop-loss: two percent\n  trailing-stop: maybe\n");
    const said = await refusal("--policy", bad);
    expect(said).toStartWith(`quantum: ${bad}:2: defaults.stop-loss is "two percent": expected `);
    expect(said).toEndWith("(and 1 more: quantum brain --check-policy shows all)");
  });

  test("names a file that is not there", async () => {
    expect(await refusal("--policy", join(folder, "none.yaml"))).toContain("can't be read (ENOENT)");
  });

  test("that is in order gets past all of this", async () => {
    for (const more of [[], ["--shadow"], ["--auto-live"]]) {
      expect(await refusal("--dry-run", "--policy", GOOD, ...more)).toContain("These are the sources");
    }
  });

  test.each([
    ["--shadow without a policy", ["--shadow"], "expected --policy FILE with it"],
    ["--auto-live without a policy", ["--auto-live"], "expected --policy FILE with it"],
    ["both at once", ["--policy", GOOD, "--shadow", "--auto-live"], "expected one of them"],
    ["one that is taken away at once", ["--policy", GOOD, "--no-policy"], "expected one of them"],
    ["one for a package", ["--policy", GOOD, "--prefix", folder], "expected no --prefix with it"],
    ["one with --uninstall", ["--policy", GOOD, "--uninstall"], "expected no --uninstall with it"],
    ["--no-policy with --uninstall", ["--no-policy", "--uninstall"], "expected no --uninstall with it"],
  ] as const)("%s is refused", async (_what, args, words) => {
    expect(await refusal(...args)).toContain(words);
  });
});
