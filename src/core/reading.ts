/** A question to the outside world that may go unanswered. Unknown counts as danger (design rule 1), so it is a value of its own. */

/** Either what was read, or why it could not be. */
export type Reading<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly why: string };

/** A reading that was answered. */
export function known<T>(value: T): Reading<T> {
  return { known: true, value };
}

/** A reading that was not answered; `why` is for people, complete with what was asked. */
export function unknown(why: string): { readonly known: false; readonly why: string } {
  return { known: false, why };
}
