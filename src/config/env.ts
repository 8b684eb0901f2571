/** The process's environment, as configuration reads it: an empty variable counts as not set. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The value of a variable; null if it is not set or empty. */
export function variable(env: Env, name: string): string | null {
  const value = env[name];
  return value === undefined || value === "" ? null : value;
}
