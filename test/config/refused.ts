import { Refusal } from "../../src/config/refusal.ts";

/** The line that `act` is refused with; fails for anything but a refusal of one line. */
export function refused(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.message.includes("\n")) throw new Error(`A refusal is one line, not: ${error.message}`);
    return error.message;
  }
  throw new Error("It was not refused");
}
