/**
 * The runbook as a script would follow it: its commands and what it says that one should see, taken from its own text.
 *
 * Of each fenced block the lines that are no comments are commands. Comments that begin with "Should" say what the command
 * before them shows; a block without a language is what a log shows.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A command, and what the runbook shows below it; empty where it shows nothing. */
export interface PrintedCommand {
  readonly line: string;
  readonly expected: readonly string[];
}

/** What stands under one heading. */
export interface Section {
  readonly commands: readonly PrintedCommand[];
  /** The lines of its block without a language. */
  readonly log: readonly string[];
  /** Its block of `bash` as it stands, for one that is a whole script. */
  readonly script: string;
}

/** The runbook that is typed here: a copy of the one that the contract's readers have. */
export const RUNBOOK: string = readFileSync(join(import.meta.dir, "runbook.md"), "utf8");

/** What stands under the heading that begins so. @throws {Error} if there is none. */
export function section(runbook: string, heading: string): Section {
  const blocks = blocksUnder(runbook, heading);
  const scripts = blocks.filter(({ language }) => language === "bash").map(({ lines }) => lines);
  const log = blocks.filter(({ language }) => language === "").flatMap(({ lines }) => lines);
  return { commands: scripts.flatMap(commandsIn), log, script: scripts.map((lines) => lines.join("\n")).join("\n") };
}

/** The thresholds of the runbook's pass criteria in milliseconds, by the metric's words; only those that are times. */
export function limitsMs(runbook: string): ReadonlyMap<string, number> {
  const rows = [...runbook.matchAll(/^\| (.+?) \| < ([\d.]+)s \|/gm)];
  return new Map(rows.map(([, metric = "", seconds]) => [metric, Number(seconds) * 1_000]));
}

interface Block {
  readonly language: string;
  readonly lines: readonly string[];
}

function blocksUnder(runbook: string, heading: string): readonly Block[] {
  const blocks: Block[] = [];
  let [isFound, isHere] = [false, false];
  let block: { readonly language: string; readonly lines: string[] } | null = null;
  for (const line of runbook.split("\n")) {
    const fence = /^```(\w*)$/.exec(line);
    if (fence !== null) {
      if (block !== null && isHere) blocks.push(block);
      block = block === null ? { language: fence[1] ?? "", lines: [] } : null;
    } else if (block !== null) {
      block.lines.push(line);
    } else if (/^#{2,3} /.test(line)) {
      isHere = line.replace(/^#+ /, "").startsWith(heading);
      isFound ||= isHere;
    }
  }
  if (!isFound) throw new Error(`The runbook has no heading that begins with "${heading}"`);
  return blocks;
}

function commandsIn(lines: readonly string[]): readonly PrintedCommand[] {
  const commands: { readonly line: string; readonly expected: string[] }[] = [];
  let shows = false;
  for (const line of lines) {
    const comment = /^# ?(.*)$/.exec(line);
    if (comment === null) {
      shows = false;
      if (line.trim() !== "") commands.push({ line: line.trim(), expected: [] });
      continue;
    }
    const [, text = ""] = comment;
    shows ||= text.startsWith("Should ");
    if (shows) commands.at(-1)?.expected.push(text);
  }
  return commands;
}
