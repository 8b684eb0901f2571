import type { LinkOptions } from "./link.ts";

/** What every side of the bus on Redis needs to know. */
export interface RedisBusOptions extends LinkOptions {
  /** Prefix of every key; empty for none. */
  readonly namespace: string;
  /** Signs what is published and checks what is read; null: events carry no signature. */
  readonly triggerSecret: string | null;
}
