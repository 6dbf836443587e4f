import { describe, expect, test } from "vitest";
import { regoLine, yamlLine } from "./highlight";

const show = (line: string): string =>
  yamlLine(line)
    .filter((t) => t.cls)
    .map((t) => `${t.cls}(${t.text})`)
    .join(" ");

describe("YAML", () => {
  test.each([
    ["a key and a word", "  action: edr.isolate_host", "sp(  ) sk(action) sp(:)"],
    ["a number with a unit", "for: 8h", "sk(for) sp(:) sn( 8h)"],
    ["an expression in a text", 'host: "${{ inputs.host }}"', 'sk(host) sp(:) st(") se(${{ inputs.host }}) st(")'],
    ["a bare condition", "if: steps.a.ok && x < 5", "sk(if) sp(:) se(steps.a.ok && x < 5)"],
    ["a comment", "on_error: continue # small", "sk(on_error) sp(:) sc(# small)"],
    ["a # inside a text is none", 'title: "a # b"', 'sk(title) sp(:) st("a # b")'],
  ])("%s", (_name, line, want) => {
    expect(show(line)).toBe(want);
  });
});

test.each([
  "",
  "   ",
  "- ",
  "a: {b: 'c\\'",
  '"',
  ": :",
  "${{",
  "x: ${{ a }} ${{ b",
  "#".repeat(50),
  "\t- - -",
  "'unclosed # text",
])("no character is lost or doubled in %j", (line) => {
  for (const f of [yamlLine, regoLine])
    expect(
      f(line)
        .map((t) => t.text)
        .join(""),
    ).toBe(line);
});
