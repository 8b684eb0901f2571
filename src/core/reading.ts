/** A question to the outside world that may go unanswered. Unknown counts as danger (design rule 1), so it is a value of its own. */

/** Either what was read, or why it could not be. */
export type Reading<T> = { readonly known: true; readonly value: T } | Unread;

/** Why a question was not answered. */
export interface Unread {
  readonly known: false;
  /** For people, complete with what was asked. */
  readonly why: string;
  /** It may last until somebody acts, so whoever tells of it marks the line as an alarm. It is still asked again. */
  readonly needsPerson?: boolean | undefined;
}

/** A reading that was answered. */
export function known<T>(value: T): Reading<T> {
  return { known: true, value };
}

/** A reading that was not answered. */
export function unknown(why: string, needsPerson = false): Unread {
  return needsPerson ? { known: false, why, needsPerson } : { known: false, why };
}
