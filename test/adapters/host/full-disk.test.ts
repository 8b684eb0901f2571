import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "quantum-full-disk-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test.each(["exits", "journal"])(
  "%s: what was confirmed is found, and a full disk costs nothing of what comes later",
  (which) => {
    const fixture = new URL("../../fixtures/full-disk.ts", import.meta.url).pathname;
    // In blocks of 512 bytes; without the signal a write says what is the matter, as on a full disk.
    const limited = `trap '' XFSZ; ulimit -S -f 8; exec "$@"`;
    const run = Bun.spawnSync(["sh", "-c", limited, "sh", process.execPath, fixture, which, directory]);
    const said = JSON.parse(run.stdout.toString()) as { readonly confirmed: number; readonly found: number };
    expect(said.confirmed).toBeGreaterThan(5);
    expect(said).toMatchObject({ found: said.confirmed, isConfirmed: true, foundThen: 2 });
  },
);
