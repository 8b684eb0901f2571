import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

// What the product ships on is not what its tests run on: the same facts are checked on Bun, on Deno and compiled.
const ROOT = join(import.meta.dir, "../..");
const SMOKES = [
  { name: "the HTTP client", file: join(import.meta.dir, "http-smoke.ts"), facts: 8 },
  { name: "the exchange client", file: join(import.meta.dir, "http-exchange-smoke.ts"), facts: 4 },
  { name: "the streams", file: join(import.meta.dir, "stream-smoke.ts"), facts: 16 },
  { name: "the alerts", file: join(import.meta.dir, "alerts-smoke.ts"), facts: 12 },
  { name: "the direct line", file: join(import.meta.dir, "direct-smoke.ts"), facts: 7 },
];

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quantum-http-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function run(command: readonly string[]): Promise<{ readonly exitCode: number; readonly output: string }> {
  // An environment that asks for certificates not to be verified: the client must not listen to it.
  const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: "0" };
  const child = Bun.spawn([...command], { cwd: ROOT, env, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { exitCode, output: stdout + stderr };
}

async function expectFacts(facts: number, command: readonly string[]): Promise<void> {
  const { exitCode, output } = await run(command);
  const held = output.match(/^ok {3}/gm)?.length ?? 0;
  expect({ exitCode, held, output }).toEqual({ exitCode: 0, held: facts, output });
}

for (const { name, file, facts } of SMOKES) {
  describe(`the promises of ${name} hold`, () => {
    test("on Bun", () => expectFacts(facts, [process.execPath, file]), 60_000);

    test(
      "on Deno",
      () => expectFacts(facts, [join(ROOT, "node_modules/.bin/deno"), "run", "-A", "--node-modules-dir=manual", file]),
      60_000,
    );

    test("in a compiled binary", async () => {
      const binary = join(folder, basename(file, ".ts"));
      expect(await run([process.execPath, "build", "--compile", file, "--outfile", binary])).toMatchObject({
        exitCode: 0,
      });
      await expectFacts(facts, [binary]);
    }, 60_000);
  });
}
