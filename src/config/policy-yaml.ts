/** YAML text → plain mappings, lists and texts, and where each of them stands. Nothing is a number here: digits stay as written. */

import { isAlias, isCollection, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";

/** The way to a value: keys, and positions in lists from 0. */
export type Path = readonly (string | number)[];

/** A problem at a place. */
export interface YamlProblem {
  readonly line: number;
  readonly what: string;
}

/** A file that could be read as YAML. */
export interface YamlTree {
  /** Mappings as objects, lists as arrays, everything else as text; a key without a value has none: an empty text, or null. */
  readonly value: unknown;
  /** The line of a key or of a list's item; of what is around it where it is not in the file. */
  lineOf(path: Path): number;
  /** Whether the path is in the file. */
  has(path: Path): boolean;
  /** What stands there; undefined where the path is not in the file. */
  valueAt(path: Path): unknown;
}

/** Deeper than any policy is; each level is a call. */
const DEPTH_MAX = 32;

/** Reads one document, or says everything that is wrong with it as YAML. */
export function readYaml(text: string): YamlTree | { readonly problems: readonly YamlProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    // In this schema every scalar is a string.
    schema: "failsafe",
    lineCounter: lines,
    prettyErrors: false,
    // Not "silent": then several documents would not be an error.
    logLevel: "error",
  });
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  if (document.errors.length > 0) {
    // The first is the cause; what the parser says of the rest is guesswork. Keys that are there twice are causes each.
    const duplicates = document.errors.filter(({ code }) => code === "DUPLICATE_KEY");
    const found = duplicates.length === document.errors.length ? duplicates : document.errors.slice(0, 1);
    return {
      problems: found.map(({ code, message, pos }) => ({
        line: lineAt(pos[0]),
        what: words(code, message, text.slice(pos[0])),
      })),
    };
  }
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === "")) {
    return { problems: [{ line: 1, what: "is empty: expected a policy, with defaults, symbols or portfolio" }] };
  }
  const foreign = [...foreignIn(root, 0)];
  if (foreign.length > 0) return { problems: foreign.map(({ offset, what }) => ({ line: lineAt(offset), what })) };
  const value: unknown = document.toJS();
  return {
    value,
    valueAt: (path) => valueAt(value, path),
    lineOf: (path) => lineAt(offsetOf(root, path).offset),
    has: (path) => offsetOf(root, path).found,
  };
}

function words(code: string, message: string, rest: string): string {
  switch (code) {
    case "DUPLICATE_KEY":
      return `has the key ${/^[^\s:]{0,40}/.exec(rest)?.[0]} a second time: expected it once`;
    case "TAB_AS_INDENT":
      return "is indented with a tab: expected spaces";
    case "MULTIPLE_DOCS":
      return "begins a second document: expected one policy in a file";
    case "RESOURCE_EXHAUSTION":
      return "is nested too deeply to be a policy";
    default:
      return `is not YAML: ${message.replaceAll(/\s*\n\s*/g, " ").slice(0, 200)}`;
  }
}

/** What YAML can say and a policy can't: what stands for something that is written elsewhere, or is not text. */
function* foreignIn(node: unknown, depth: number): Generator<{ readonly offset: number; readonly what: string }> {
  if (!isAlias(node) && !isScalar(node) && !isCollection(node)) return;
  const offset = node.range?.[0] ?? 0;
  if (isAlias(node)) {
    yield { offset, what: `has the alias *${node.source}: expected the value itself` };
    return;
  }
  if (node.anchor !== undefined) yield { offset, what: `has the anchor &${node.anchor}: expected the value alone` };
  if (node.tag !== undefined) yield { offset, what: "has a tag (!): expected the value alone" };
  if (depth > DEPTH_MAX) {
    yield { offset, what: "is nested too deeply to be a policy" };
    return;
  }
  if (isSeq(node)) for (const item of node.items) yield* foreignIn(item, depth + 1);
  if (!isMap(node)) return;
  for (const { key, value } of node.items) {
    const at = isNode(key) ? (key.range?.[0] ?? offset) : offset;
    if (!isScalar(key)) yield { offset: at, what: "has a key that is no word: expected a plain key" };
    // It would be merged nowhere.
    else if (key.value === "<<") yield { offset: at, what: "has a merge key (<<): expected the rules themselves" };
    // No object can hold it as one key among others.
    else if (key.value === "__proto__") {
      yield { offset: at, what: "has the key __proto__: expected a key of a policy" };
    }
    yield* foreignIn(key, depth + 1);
    yield* foreignIn(value, depth + 1);
  }
}

/** Where the path is, or as much of it as there is. */
function offsetOf(root: Node, path: Path): { readonly offset: number; readonly found: boolean } {
  let node: unknown = root;
  let offset = root.range?.[0] ?? 0;
  for (const name of path) {
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === name) : undefined;
    const item = isSeq(node) && typeof name === "number" ? node.items[name] : undefined;
    const place = pair?.key ?? item;
    if (!isScalar(place) && !isCollection(place)) return { offset, found: false };
    offset = place.range?.[0] ?? offset;
    node = pair === undefined ? item : pair.value;
  }
  return { offset, found: true };
}

function valueAt(value: unknown, path: Path): unknown {
  let node = value;
  for (const name of path) {
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, name)) return undefined;
    node = (node as Readonly<Record<string | number, unknown>>)[name];
  }
  return node;
}
