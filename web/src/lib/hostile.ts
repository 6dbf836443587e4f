// Text from outside, made safe to look at. It is never markup; here it also stops being able to deceive:
// characters that cannot be seen are named, and words that mix alphabets are found from the data, never from the font.

export type Piece =
  | { kind: "text"; text: string }
  | { kind: "hidden"; text: string } // what stands instead: ‹U+202E›
  | { kind: "spoof"; text: string; why: string };

// Controls other than tab and line feed, direction marks and other format characters, fillers, variation selectors.
const HIDDEN =
  /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\u034f|[\u115f\u1160\u3164\uffa0]|\u17b4|\u17b5|[\u180b-\u180f]|[\ufe00-\ufe0f]|[\u{e0100}-\u{e01ef}]/u;

const SCRIPTS: [string, RegExp][] = [
  ["Cyrillic", /\p{Script=Cyrillic}/u],
  ["Greek", /\p{Script=Greek}/u],
  ["Armenian", /\p{Script=Armenian}/u],
  ["Cherokee", /\p{Script=Cherokee}/u],
  ["full-width", /[\uff01-\uff5e]/],
  ["mathematical", /[\u{1d400}-\u{1d7ff}]/u],
];
const LATIN = /[A-Za-z\u00c0-\u024f]/;
const WORD = /[\p{L}\p{N}\p{M}_]+/gu;

const point = (c: string): string => `U+${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

/** Why a word looks like another, or "" when it does not: "“о” is Cyrillic, U+043E". */
export function spoof(word: string): string {
  for (const [name, script] of SCRIPTS) {
    const odd = [...word].find((c) => script.test(c));
    if (odd === undefined) continue;
    // A word wholly in another script is a language, not a trick; full-width and mathematical letters always are.
    if (LATIN.test(word) || name === "full-width" || name === "mathematical")
      return `“${odd}” is ${name}, ${point(odd)}`;
  }
  return "";
}

function words(text: string, out: Piece[]): void {
  // Almost all text is ASCII, and then there is nothing to find.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the ASCII range
  if (/^[\x00-\x7f]*$/.test(text)) {
    if (text) out.push({ kind: "text", text });
    return;
  }
  let from = 0;
  for (const m of text.matchAll(WORD)) {
    const why = spoof(m[0]);
    if (!why) continue;
    if (m.index > from) out.push({ kind: "text", text: text.slice(from, m.index) });
    out.push({ kind: "spoof", text: m[0], why });
    from = m.index + m[0].length;
  }
  if (from < text.length) out.push({ kind: "text", text: text.slice(from) });
}

/** Cuts text into what may be shown as it is, what cannot be seen, and look-alikes. */
export function pieces(text: string): Piece[] {
  const out: Piece[] = [];
  let rest = text;
  for (;;) {
    const m = HIDDEN.exec(rest);
    if (!m) break;
    words(rest.slice(0, m.index), out);
    out.push({ kind: "hidden", text: `‹${point(m[0])}›` });
    rest = rest.slice(m.index + m[0].length);
  }
  words(rest, out);
  return out;
}

/** The same as one line of plain text, for titles and labels. */
export const plain = (text: string): string =>
  pieces(text)
    .map((p) => p.text)
    .join("");

/** A long address: the middle goes, host and end stay. Gives both halves; the second is "" where nothing need go. */
export function halves(text: string, tail = 14): [string, string] {
  if (text.length <= 44) return [text, ""];
  return [text.slice(0, -tail), text.slice(-tail)];
}
