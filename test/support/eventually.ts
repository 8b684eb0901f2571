const LOOK_EVERY_MS = 10;

/** Waits until `holds` gives true, with a bound; there is no sleep-and-hope here. */
export async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 15_000,
): Promise<void> {
  const until = performance.now() + limitMs;
  while (performance.now() < until) {
    if (await holds()) return;
    await Bun.sleep(LOOK_EVERY_MS);
  }
  throw new Error(`Not within ${limitMs} ms: ${what}`);
}
