/** The word of `words` that was probably meant; null if none is near. Case and punctuation do not count: `stopLoss` is `stop-loss`. */
export function nearest(word: string, words: readonly string[]): string | null {
  const meant = bare(word.slice(0, 64));
  let best: string | null = null;
  // Two slips in a short word make another word of it.
  let least = Math.min(2, Math.floor(meant.length / 3)) + 1;
  for (const candidate of words) {
    const edits = distance(meant, bare(candidate));
    if (edits < least) [best, least] = [candidate, edits];
  }
  return best;
}

function bare(word: string): string {
  return word.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

/** How many letters are to be added, left out or replaced (Levenshtein). */
function distance(one: string, other: string): number {
  let above = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = (above[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[other.length] ?? 0;
}
