// A text with line numbers, its problems under the lines they are about, and one marked stretch.
import { useEffect, useMemo, useRef } from "react";
import { groupBy } from "../lib/group";
import { plain } from "../lib/hostile";
import type { FileProblem } from "../lib/wire";
import { Glyph } from "./Glyph";
import { regoLine, type Token, yamlLine } from "./highlight";
import { Scroll } from "./Scroll";

type Props = {
  text: string;
  language: "yaml" | "rego";
  problems?: readonly FileProblem[];
  marked?: { from: number; to: number } | null;
  onLine?: (line: number) => void;
  label: string;
};

export function Code({ text, language, problems = [], marked, onLine, label }: Props) {
  const lines = useMemo(() => {
    const one = language === "yaml" ? yamlLine : regoLine;
    return text.replace(/\n$/, "").split("\n").map(one);
  }, [text, language]);
  const box = useRef<HTMLElement>(null);
  const from = marked?.from;
  useEffect(() => {
    if (from) box.current?.querySelector(`[data-line="${from}"]`)?.scrollIntoView({ block: "nearest" });
  }, [from]);
  const byLine = groupBy(problems, (p) => p.line);
  return (
    <Scroll label={label} className="code" ref={box}>
      {lines.map((tokens, i) => {
        const n = i + 1;
        const own = byLine.get(n) ?? [];
        const bad = own.some((p) => p.severity === "error");
        return (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the list beside the text does the same by keyboard
          <div
            key={n}
            data-line={n}
            className={`ln${marked && n >= marked.from && n <= marked.to ? " in" : ""}`}
            onClick={onLine && (() => onLine(n))}
          >
            {own.length > 0 && (
              <span className="mk">
                <Glyph name={bad ? "s-failed" : "s-waiting"} className={`s ${bad ? "failed" : "waiting"}`} />
              </span>
            )}
            <pre>{tokens.map((t, j) => draw(t, j))}</pre>
            {own.map((p) => (
              <p key={p.code + p.column} className="say">
                <span>
                  {p.message}
                  {p.hint && <> {p.hint}</>}
                </span>
              </p>
            ))}
          </div>
        );
      })}
    </Scroll>
  );
}

function draw(t: Token, key: number) {
  const text = plain(t.text);
  return t.cls ? (
    <span key={key} className={t.cls}>
      {text}
    </span>
  ) : (
    text
  );
}
