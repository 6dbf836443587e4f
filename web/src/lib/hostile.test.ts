import { describe, expect, test } from "vitest";
import { halves, pieces, plain, spoof } from "./hostile";

describe("pieces", () => {
  test.each([
    ["plain text stays one piece", "FIN-LT-0231", [{ kind: "text", text: "FIN-LT-0231" }]],
    ["markup is text", "<img src=x onerror=alert(1)>", [{ kind: "text", text: "<img src=x onerror=alert(1)>" }]],
    ["nothing gives nothing", "", []],
  ])("%s", (_name, text, want) => {
    expect(pieces(text)).toEqual(want);
  });

  test.each([
    ["right-to-left override", "\u202e", "‹U+202E›"],
    ["isolate", "\u2066", "‹U+2066›"],
    ["zero-width space", "\u200b", "‹U+200B›"],
    ["zero-width joiner", "\u200d", "‹U+200D›"],
    ["byte order mark", "\ufeff", "‹U+FEFF›"],
    ["soft hyphen", "\u00ad", "‹U+00AD›"],
    ["line separator", "\u2028", "‹U+2028›"],
    ["escape", "\u001b", "‹U+001B›"],
    ["nul", "\u0000", "‹U+0000›"],
    ["carriage return", "\r", "‹U+000D›"],
    ["tag letter", "\u{e0041}", "‹U+E0041›"],
    ["variation selector 17", "\u{e0100}", "‹U+E0100›"],
    ["Hangul filler", "\u3164", "‹U+3164›"],
  ])("names a %s", (_name, char, want) => {
    expect(plain(`nimda${char}exe`)).toBe(`nimda${want}exe`);
  });

  test("keeps tabs and line feeds", () => {
    expect(plain("a\tb\nc")).toBe("a\tb\nc");
  });

  test("never loses a visible character", () => {
    const text = "Größe 雪 Привет paypal ok";
    expect(plain(text)).toBe(text);
  });

  test("marks only the word that mixes alphabets", () => {
    expect(pieces("from p\u0430ypal-clearing.example")).toEqual([
      { kind: "text", text: "from " },
      { kind: "spoof", text: "p\u0430ypal", why: "“\u0430” is Cyrillic, U+0430" },
      { kind: "text", text: "-clearing.example" },
    ]);
  });
});

describe("spoof", () => {
  test.each([
    ["Cyrillic o in Latin", "micr\u043esoft", "Cyrillic"],
    ["Greek omicron in Latin", "micr\u03bfsoft", "Greek"],
    ["full-width letters", "\uff41dmin", "full-width"],
    ["mathematical letters", "\u{1d41a}dmin", "mathematical"],
  ])("finds %s", (_name, word, script) => {
    expect(spoof(word)).toContain(script);
  });

  test.each([["Привет"], ["Ελλάδα"], ["Größe"], ["FIN-LT-0231"], ["naïve"], [""]])("leaves %s alone", (word) => {
    expect(spoof(word)).toBe("");
  });
});

test("of a long address the middle goes, host and end stay", () => {
  const [head, tail] = halves(`https://files.example/${"a".repeat(80)}/Invoice.iso`);
  expect(head.startsWith("https://files.example/")).toBe(true);
  expect(tail.endsWith("/Invoice.iso")).toBe(true);
  expect(halves("https://short.example")).toEqual(["https://short.example", ""]);
});
