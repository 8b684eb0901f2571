/** Where a scene's alerts arrive: a webhook in this process. */

import type { Scene } from "./scene.ts";

/** People, as a role reaches them. */
export interface Pager {
  /** What the role's environment must have. */
  readonly env: Readonly<Record<string, string>>;
  /** Everything that they were told. */
  told(): string;
}

/** Opens one; it ends with the scene. */
export function openPager(scene: Scene): Pager {
  const texts: string[] = [];
  const people = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const { text } = (await request.json()) as { readonly text: string };
      texts.push(text);
      return new Response(null, { status: 204 });
    },
  });
  scene.onClose(() => people.stop(true));
  return { env: { ALERT_WEBHOOK_URL: `http://127.0.0.1:${people.port}/` }, told: () => texts.join("\n") };
}
