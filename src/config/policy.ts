/** The policy file (`--policy`): its text → the rules by which positions are left, or everything that is wrong with it. */

import { createHash } from "node:crypto";
import type { ExitPolicy, LegPolicy } from "../core/exit-policy.ts";
import { readBounded } from "./file.ts";
import { type RuleKey, readShape, type SaidRules, type ShapeProblem } from "./policy-schema.ts";
import { type SenseProblem, senseProblems } from "./policy-sense.ts";
import { type Path, readYaml, type YamlTree } from "./policy-yaml.ts";
import { Refusal } from "./refusal.ts";

/** What is wrong in a file: `line`, from 1, and one line of words that name the key, its value and what was expected. */
export interface PolicyProblem {
  readonly line: number;
  readonly what: string;
}

/** A file that was read: the policy, or at least one problem, in the order of the lines. */
export type PolicyReading =
  | { readonly ok: true; readonly policy: ExitPolicy }
  | { readonly ok: false; readonly problems: readonly PolicyProblem[] };

/** A policy of a few hundred symbols is a tenth of this. */
const BYTES_MAX = 262_144;

/** A policy file that is in order. */
export interface PolicyFile {
  readonly policy: ExitPolicy;
  readonly text: string;
  /** Of the text, in hex: by it a file is known again. */
  readonly sha256: string;
}

/**
 * Reads a policy file.
 *
 * @throws {Refusal} with the first problem, by file and line. A brain does not run on a policy that it has understood in part.
 */
export function loadPolicyFile(path: string): PolicyFile {
  const text = policyText(path);
  const reading = readPolicy(text);
  if (reading.ok) return { policy: reading.policy, text, sha256: createHash("sha256").update(text).digest("hex") };
  const [first, ...others] = reading.problems.map((problem) => problemLine(path, problem));
  const more = others.length === 0 ? "" : ` (and ${others.length} more: quantum brain --check-policy shows all)`;
  throw new Refusal(`${first}${more}`);
}

/** The same for who needs the policy alone. */
export function loadPolicy(path: string): ExitPolicy {
  return loadPolicyFile(path).policy;
}

/**
 * Reads a policy file and says everything that is wrong with it.
 *
 * @throws {Refusal} if the file can't be read at all.
 */
export function checkPolicy(path: string): PolicyReading {
  return readPolicy(policyText(path));
}

function policyText(path: string): string {
  return readBounded("--policy", path, BYTES_MAX);
}

/** A problem as a compiler would say it: `exits.yaml:7: …`. */
export function problemLine(path: string, { line, what }: PolicyProblem): string {
  return `${path}:${line}: ${what}`;
}

/** Reads the text of a policy file. */
export function readPolicy(text: string): PolicyReading {
  const tree = readYaml(text);
  if ("problems" in tree) return refused(tree.problems);
  const said = readShape(tree.value);
  if ("problems" in said) return refused(said.problems.map((problem) => placed(tree, problem)));
  const defaults = merged({}, said.defaults);
  const symbols = new Map(Object.entries(said.symbols).map(([name, own]) => [name, merged(said.defaults, own)]));
  const problems = senseProblems(defaults).map((problem) => placed(tree, at(["defaults"], problem)));
  for (const [name, leg] of symbols) {
    // What comes from the defaults alone was said there.
    const own = senseProblems(leg).filter(({ rules }) =>
      rules.some((rule) => said.symbols[name]?.[rule] !== undefined),
    );
    problems.push(...own.map((problem) => placedInSymbol(tree, name, problem)));
  }
  if (problems.length > 0) return refused(problems);
  const policy: ExitPolicy = { defaults, symbols, portfolio: said.portfolio };
  if (!protects(policy)) {
    return refused([{ line: 1, what: "no rule is on: expected at least one, a policy without protects nothing" }]);
  }
  return { ok: true, policy };
}

function refused(problems: readonly PolicyProblem[]): PolicyReading {
  return { ok: false, problems: [...problems].sort((one, other) => one.line - other.line) };
}

/** What a symbol says goes before the defaults, rule by rule. */
function merged(defaults: SaidRules, own: SaidRules): LegPolicy {
  const rule = <K extends RuleKey>(key: K): NonNullable<SaidRules[K]> | null =>
    (own[key] === undefined ? defaults[key] : own[key]) ?? null;
  return {
    stopLoss: rule("stop-loss"),
    ladder: rule("take-profit") ?? [],
    breakEven: rule("break-even"),
    trailing: rule("trailing-stop"),
    timeLimitMs: rule("time-limit"),
    liquidationDistancePercent: rule("liquidation-distance"),
    backstopPercent: rule("backstop"),
  };
}

function protects({ defaults, symbols, portfolio }: ExitPolicy): boolean {
  const legs = [defaults, ...symbols.values()].map(({ ladder, ...others }) => [...ladder, ...Object.values(others)]);
  return [...legs.flat(), ...Object.values(portfolio)].some((rule) => rule !== null);
}

function at<P extends ShapeProblem>(section: Path, problem: P): P {
  return { ...problem, path: [...section, ...problem.path] };
}

function placed(tree: YamlTree, { path, found, expected }: ShapeProblem): PolicyProblem {
  return {
    line: tree.lineOf(path),
    what: `${nameOf(path, tree)} ${found ?? foundAt(tree, path)}: expected ${expected}`,
  };
}

/** A rule of a symbol, or one of the defaults that only does not fit beside the symbol's own. */
function placedInSymbol(tree: YamlTree, symbol: string, problem: SenseProblem): PolicyProblem {
  const section = ["symbols", symbol];
  if (tree.has([...section, problem.rules[0]])) return placed(tree, at(section, problem));
  const { path, found, expected } = at(["defaults"], problem);
  const what = `with this, ${nameOf(path, tree)} ${found ?? foundAt(tree, path)}: expected ${expected}`;
  const own = problem.rules.find((rule) => tree.has([...section, rule]));
  const place = own === undefined ? section : [...section, own];
  return { line: tree.lineOf(place), what: `${nameOf(place, tree)}: ${what}` };
}

/** `symbols.BTCUSDT.take-profit[step 2].at`; a part of a rule that is written in short is not named. */
function nameOf(path: Path, tree: YamlTree): string {
  let name = "";
  path.forEach((part, i) => {
    const around = path.slice(0, i);
    if (typeof tree.valueAt(around) === "string") return;
    if (typeof part === "number") name += `[step ${part + 1}]`;
    else name += `${name === "" ? "" : "."}${/^[\p{L}\p{Nd}_-]{1,40}$/u.test(part) ? part : shown(part)}`;
  });
  return name === "" ? "the file" : name;
}

function foundAt(tree: YamlTree, path: Path): string {
  let value = tree.valueAt(path);
  for (let end = path.length - 1; value === undefined && end >= 0; end--) {
    const around = tree.valueAt(path.slice(0, end));
    if (typeof around !== "string") break;
    value = around;
  }
  if (value === undefined) return "is missing";
  if (value === null || value === "") return "has no value";
  if (typeof value === "string") return `is ${shown(value)}`;
  if (Array.isArray(value)) return value.length === 0 ? "is an empty list" : "is a list";
  return Object.keys(value).length === 0 ? "is an empty mapping" : "is a mapping";
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
}
