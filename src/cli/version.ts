import manifest from "../../package.json" with { type: "json" };

declare const QUANTUM_COMMIT: string | undefined;

/** `0.1.0 (1a2b3c4)`; the commit is stamped in by the build, and `source` when there was none. */
export function version(): string {
  const commit = typeof QUANTUM_COMMIT === "string" ? QUANTUM_COMMIT : "source";
  return `${manifest.version} (${commit})`;
}
