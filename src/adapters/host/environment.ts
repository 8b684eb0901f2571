/** Variables with which somebody else's code can be run inside this executable, or instead of it. */
const HOSTILE = ["BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT", "BUN_INSPECT_PRELOAD"] as const;

/** Why this process must not run in the given environment; null if it may. */
export function hostEnvironmentObjection(env: Readonly<Record<string, string | undefined>>): string | null {
  const found = HOSTILE.find((name) => env[name] !== undefined);
  if (found === undefined) return null;
  return `${found} is set: it changes what this executable runs, expected it unset (unset ${found})`;
}
