/** The layers of design section 6 are held by lint. This plants violations, to see that lint would catch them. */

import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ROOT } from "../support/run.ts";

const BIOME = join(ROOT, "node_modules", ".bin", "biome");

/** A tree of its own with our rules, so that nothing is planted where it could stay. */
const tree = mkdtempSync(join(tmpdir(), "quantum-layers-"));
for (const file of ["biome.json", ".gitignore", "build/no-random.grit"]) {
  cpSync(join(ROOT, file), join(tree, file), { recursive: true });
}
afterAll(() => rmSync(tree, { recursive: true, force: true }));

/** What lint says of one file in that tree. */
function lint(path: string, source: string): string {
  mkdirSync(dirname(join(tree, path)), { recursive: true });
  writeFileSync(join(tree, path), source);
  const { stdout, stderr } = spawnSync(BIOME, ["lint", path], { cwd: tree, encoding: "utf8" });
  const said = `${stdout}${stderr}`;
  expect(said).toContain("Checked 1 file");
  return said;
}

const VIOLATIONS: readonly (readonly [name: string, path: string, source: string, complaint: string])[] = [
  ["core reads the clock", "src/core/planted.ts", "export const a: number = Date.now();", "core knows no clock"],
  ["core sets a timer", "src/core/planted.ts", "setTimeout(() => undefined, 1);", "core knows no clock"],
  ["core draws at random", "src/core/planted.ts", "export const a: number = Math.random();", "core is deterministic"],
  ["core logs", "src/core/planted.ts", 'console.log("x");', "core does no I/O"],
  ["core reads a file", "src/core/planted.ts", 'import "node:fs";', "noNodejsModules"],
  ["core imports an adapter", "src/core/planted.ts", 'import "../adapters/host/clock.ts";', "core imports only core"],
  ["core imports a port", "src/core/planted.ts", 'import "../ports/clock.ts";', "core imports only core"],
  ["core imports a package", "src/core/planted.ts", 'import "zod";', "core imports only core"],
  [
    "a port imports an adapter",
    "src/ports/planted.ts",
    'import "../adapters/host/clock.ts";',
    "ports import only core",
  ],
  [
    "a role imports an adapter",
    "src/roles/planted.ts",
    'import "../adapters/host/clock.ts";',
    "roles import core and ports",
  ],
  ["a role imports a package", "src/roles/planted.ts", 'import "ioredis";', "roles import core and ports"],
  ["install touches a file", "src/install/planted.ts", 'import "node:fs";', "install decides, and touches nothing"],
  ["anybody imports Bun's stub", "src/cli/planted.ts", 'import "undici";', "stub that drops requests"],
  ["anybody imports Bun's other stub", "src/cli/planted.ts", 'import "ws";', "Use src/adapters/http/web-socket.ts"],
];

describe("lint complains when", () => {
  test.each(VIOLATIONS)("%s", (_name, path, source, complaint) => {
    expect(lint(path, `${source}\n`)).toContain(complaint);
  });
});

const ALLOWED: readonly (readonly [name: string, path: string, source: string])[] = [
  ["core imports core", "src/core/planted.ts", 'import "./time.ts";'],
  ["core imports exact decimals", "src/core/planted.ts", 'import "big.js";'],
  ["a port imports core", "src/ports/planted.ts", 'import "../core/time.ts";'],
  ["a role imports core and ports", "src/roles/planted.ts", 'import "../core/time.ts";\nimport "../ports/clock.ts";'],
  ["an adapter imports a package", "src/adapters/redis/planted.ts", 'import "ioredis";'],
];

describe("lint is content when", () => {
  test.each(ALLOWED)("%s", (_name, path, source) => {
    expect(lint(path, `${source}\n`)).not.toContain("noRestrictedImports");
  });
});
