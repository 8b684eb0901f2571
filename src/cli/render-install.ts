/** How an installation is shown before it is done, and with `--json`. */

import type { Step, WantedFile } from "../install/plan.ts";

/** One line for each step; with `whole` the text of every file as well, but for the secrets. */
export function renderSteps(steps: readonly Step[], whole: boolean): string {
  return steps.flatMap((step) => [`  ${stepLine(step)}`, ...(whole ? contentLines(step) : [])]).join("\n");
}

/** A step for machines; a secret's value never appears. */
export function stepDocument(step: Step): Readonly<Record<string, unknown>> {
  if (step.kind === "redis_users") return { kind: step.kind, users: [...step.users.keys()] };
  if (!("file" in step)) return step;
  const { path, mode, content } = step.file;
  const text = content.kind === "text" ? { text: content.text } : {};
  return { kind: step.kind, path, mode: modeText(mode), content: content.kind, ...text };
}

function stepLine(step: Step): string {
  switch (step.kind) {
    case "directory":
      return `folder   ${step.path} (${modeText(step.mode)})`;
    case "create":
    case "replace":
      return `${step.kind.padEnd(8)} ${step.file.path} (${modeText(step.file.mode)}${contentNote(step.file)})`;
    case "keep":
      return `keep     ${step.path} (${step.why})`;
    case "stranger":
      return `refuse   ${step.path} (${step.why})`;
    case "remove":
      return `remove   ${step.path} (${REMOVED[step.what]})`;
    case "run":
      return `run      systemctl ${step.args.join(" ")} (${step.why})`;
    case "redis_users":
      return `users    ${[...step.users.keys()].join(", ")} on Redis`;
    case "no_redis_users":
      return `no users ${step.users.join(", ")} on Redis`;
    case "restart":
      return `restart  ${step.unit}, and see it at work before the next`;
  }
}

const REMOVED = {
  file: "file",
  text: "file",
  folder: "folder, if nothing else is in it",
  state: "state of a role, with everything in it",
} as const;

function contentNote({ content }: WantedFile): string {
  switch (content.kind) {
    case "program":
      return ", this executable";
    case "text":
      return "";
    case "secret":
      return content.sealed ? ", a secret, encrypted by systemd-creds" : ", a secret";
  }
}

function contentLines(step: Step): readonly string[] {
  if (!("file" in step) || step.file.content.kind !== "text") return [];
  return step.file.content.text
    .trimEnd()
    .split("\n")
    .map((line) => `    | ${line}`.trimEnd());
}

function modeText(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
