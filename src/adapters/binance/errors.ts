/** Which row of the error table an answer of the venue is, and so what it means. */

import { ERROR_TABLE, type Meaning, type Sign } from "./error-table.ts";

/** An error as the venue worded it. `code` is null where the body carries none (an HTML page, an empty body). */
export interface VenueError {
  readonly status: number;
  readonly code: number | null;
  readonly message: string;
}

/** The code for too many requests from this address, and for the ban that follows. */
export const ADDRESS_LIMIT_BROKEN = -1003;

/** The code for too many orders from this account. */
export const ORDER_LIMIT_USED_UP = -1015;

/** The code for a timestamp outside the window: the offset to the venue's clock is wrong. */
export const TIMESTAMP_OUTSIDE_WINDOW = -1021;

/** The code for cancelling what is not there. */
export const NOTHING_TO_CANCEL = -2011;

/** The code for asking after an order that the venue does not know; right after a send it may still come. */
export const NO_SUCH_ORDER = -2013;

/** The code for a key, an address or a permission that is not accepted, and for every Portfolio Margin account. */
export const KEY_REJECTED = -2015;

/** The codes that are about the key itself: they come with every signed call until a person changes something. */
const KEY_REFUSED: ReadonlySet<number> = new Set([-1002, -1022, -1099, -2014, KEY_REJECTED, -2017]);

/** Whether the venue refuses the key, its permissions or its signature, rather than what was asked with it. */
export function refusesKey(error: VenueError): boolean {
  return error.code !== null && error.status < 500 && KEY_REFUSED.has(error.code);
}

/** What an error answer to a new order means for that order: the first row of the table that fits. */
export function meaningForClose(error: VenueError): Meaning {
  const row = ERROR_TABLE.find(({ sign }) => fits(sign, error));
  return row?.meaning ?? { outcome: "unknown", reason: "no row of the error table fits: the order may be live" };
}

function fits(sign: Sign, { status, code, message }: VenueError): boolean {
  switch (sign.kind) {
    case "code":
      return code === sign.code;
    case "status":
      return status === sign.status;
    case "bare_status":
      return status === sign.status && code === null;
    case "unavailable":
      return status === 503 && ((sign.code !== null && code === sign.code) || message.startsWith(sign.text));
    case "server_error":
      return status >= 500;
    case "any_code":
      return code !== null;
    case "anything":
      return true;
    case "lost":
      return false;
  }
}
