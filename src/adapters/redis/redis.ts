/** What every side of the bus on Redis needs to know. */
export interface RedisBusOptions {
  /** As `address.ts` reads it. */
  readonly url: string;
  /** A certificate authority to trust besides the public ones, where the URL asks for TLS. */
  readonly caPem?: string | null;
  /** Prefix of every key; empty for none. */
  readonly namespace: string;
  /** Signs what is published and checks what is read; null: events carry no signature. */
  readonly triggerSecret: string | null;
  /** How long an answer may take, connecting included. */
  readonly deadlineMs: number;
}
