import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");

/** A package that is a part of the executable. */
interface Bundled {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  /** Its licence file, word for word; null if it brings none. */
  readonly text: string | null;
}

/** What Debian's /usr/share/doc/quantum/copyright says: our licence, and what else is in the executable. */
export function copyrightText(): string {
  const ours = readFileSync(join(ROOT, "LICENSE"), "utf8").trim();
  const others = bundled().map(({ name, version, licence }) => `  ${name} ${version}: ${licence}`);
  return `Quantum
-------

${ours}

What else is in /usr/bin/quantum
--------------------------------

The runtime Bun ${Bun.version}, MIT. It holds JavaScriptCore and other parts of WebKit, under the
GNU Lesser General Public License, version 2 or later; on Debian systems its text is in
/usr/share/common-licenses/LGPL-2. Sources: https://github.com/oven-sh/bun and
https://github.com/oven-sh/WebKit.

These npm packages, each under its own licence, word for word in third-party-licences.txt:

${others.join("\n")}
`;
}

/** The licence of each npm package that is a part of the executable, word for word. */
export function thirdPartyText(): string {
  const parts = bundled().map(({ name, version, licence, text }) => {
    return [`${name} ${version}: ${licence}`, ...(text === null ? [] : ["", text.trim()])].join("\n");
  });
  return `${parts.join(`\n\n${"-".repeat(72)}\n\n`)}\n`;
}

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      { readonly version?: string; readonly license?: string; readonly dependencies?: Readonly<Record<string, string>> }
    >
  >;
}

function bundled(): readonly Bundled[] {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as Lock;
  const visited = new Set<string>();
  // The same version may lie in several places.
  const found = new Map<string, Bundled>();
  const visit = (from: string, name: string): void => {
    const path = [`${from}/node_modules/${name}`, `node_modules/${name}`].find((candidate) => candidate in packages);
    const entry = path === undefined ? undefined : packages[path];
    if (path === undefined || entry === undefined) throw new Error(`package-lock.json has no ${name}`);
    if (visited.has(path)) return;
    visited.add(path);
    const { version = "", license = "see its licence file", dependencies = {} } = entry;
    found.set(`${name} ${version}`, { name, version, licence: license, text: licenceFile(join(ROOT, path)) });
    for (const dependency of Object.keys(dependencies)) visit(path, dependency);
  };
  for (const name of Object.keys(packages[""]?.dependencies ?? {})) visit("", name);
  return [...found.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, each]) => each);
}

function licenceFile(folder: string): string | null {
  if (!existsSync(folder)) return null;
  const name = readdirSync(folder)
    .sort()
    .find((candidate) => /^licen[cs]e(\.md|\.txt)?$/i.test(candidate));
  return name === undefined ? null : readFileSync(join(folder, name), "utf8");
}
