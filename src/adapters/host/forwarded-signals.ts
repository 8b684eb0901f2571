/** What a program may be told by signal besides to stop: to read its settings again, to reopen its log, what its user likes. */
const FORWARDED = ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH"] as const;

/** Hands each of them on from here on, instead of dying of it; the function that it returns ends that. */
export function forwardSignals(to: (signal: string) => void): () => void {
  const listeners = FORWARDED.map((name) => [name, () => to(name)] as const);
  for (const [name, listener] of listeners) process.on(name, listener);
  return () => {
    for (const [name, listener] of listeners) process.off(name, listener);
  };
}
