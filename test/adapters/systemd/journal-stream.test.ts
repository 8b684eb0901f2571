import { afterAll, expect, test } from "bun:test";
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isJournalStream } from "../../../src/adapters/systemd/journal-stream.ts";

const directory = mkdtempSync(join(tmpdir(), "quantum-stream-"));
const fd = openSync(join(directory, "stdout"), "w");
const closed = openSync(join(directory, "closed"), "w");
closeSync(closed);
afterAll(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true, force: true });
});
const { dev, ino } = fstatSync(fd);

test.each([
  ["the variable names this very stream", `${dev}:${ino}`, fd, true],
  ["it names another one", `${dev}:${ino + 1}`, fd, false],
  ["it names one on another device", `${dev + 1}:${ino}`, fd, false],
  ["it is not set", undefined, fd, false],
  ["it is empty", "", fd, false],
  ["it is nonsense", "journal", fd, false],
  ["the stream is closed", `${dev}:${ino}`, closed, false],
])("where %s", (_what, stream, of, expected) => {
  expect(isJournalStream(stream, of)).toBe(expected);
});
