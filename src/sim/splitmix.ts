/** A small deterministic generator, so that a seed replays a whole run on any runtime. */

/**
 * Numbers from 0 (included) to 1 (excluded), the same ones for the same seed: splitmix32.
 *
 * Chosen because it needs one 32-bit word of state and any two seeds, 0 and 1 too, give unrelated streams. Nothing here
 * is secret, so it need not be cryptographic.
 */
export function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let word = state ^ (state >>> 16);
    word = Math.imul(word, 0x21f0aaad);
    word ^= word >>> 15;
    word = Math.imul(word, 0x735a2d97);
    word ^= word >>> 15;
    return (word >>> 0) / 4_294_967_296;
  };
}
