import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writableDirectory } from "../../../src/adapters/host/writable.ts";

/** A directory of its own for each test. */
function inDirectory(use: (directory: string) => void): void {
  const directory = mkdtempSync(join(tmpdir(), "quantum-writable-"));
  try {
    use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test("a directory that can be written is, and nothing is left in it", () => {
  inDirectory((directory) => {
    expect(writableDirectory(directory)).toEqual({ known: true, value: null });
    expect(readdirSync(directory)).toEqual([]);
  });
});

test("one that does not exist yet can be, and is not created", () => {
  inDirectory((directory) => {
    const path = join(directory, "a", "b");
    expect(writableDirectory(path).known).toBe(true);
    expect(existsSync(join(directory, "a"))).toBe(false);
  });
});

test("a file is none, and says so by name", () => {
  inDirectory((directory) => {
    const path = join(directory, "file");
    writeFileSync(path, "");
    expect(writableDirectory(path)).toEqual({ known: false, why: `${path} can't be written (ENOTDIR)` });
  });
});

// Root may write anywhere but here.
test("one where nothing can be created can't be written", () => {
  expect(writableDirectory("/proc/quantum")).toMatchObject({
    known: false,
    why: expect.stringMatching(/^\/proc\/quantum can't be written \(E\w+\)$/),
  });
});
