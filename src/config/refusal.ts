/**
 * Something was refused before anything was touched: exit code 2 (contract section 1).
 *
 * The message is the whole answer to the user: one line that names the thing, its value and what was expected.
 */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** The answer is no: exit code 1 (contract section 1). The message is the whole answer, one line. */
export class Failure extends Error {
  override readonly name = "Failure";
}
