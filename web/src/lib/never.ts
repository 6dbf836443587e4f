/** Closes a switch: a new word on the wire breaks the build here, and says so at run time. */
export function never(word: never): never {
  throw new Error(`unknown word: ${String(word)}`);
}
