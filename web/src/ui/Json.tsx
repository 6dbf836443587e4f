// JSON as text: escapes stand as they came, a search marks what it finds, and nothing in it is ever markup.
import { useMemo, useState } from "react";
import { plain } from "../lib/hostile";
import { Glyph } from "./Glyph";

const MAX = 200_000;

// Everything beyond printable ASCII stays an escape here: raw data must not deceive either.
const escaped = (text: string): string =>
  text.replace(
    /[\u007f-\u009f\u00ad\u0400-\u04ff\u0370-\u03ff\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** The value as indented JSON, look-alike and hidden letters as escapes. */
export function jsonText(value: unknown): string {
  const text = escaped(JSON.stringify(value, null, 2) ?? "null");
  return text.length > MAX ? `${text.slice(0, MAX)}\n… cut here: ${text.length - MAX} more characters` : text;
}

/** Where needle stands in text; at most 999. */
function finds(text: string, needle: string): number[] {
  const out: number[] = [];
  if (!needle) return out;
  const hay = text.toLowerCase();
  const want = needle.toLowerCase();
  for (let i = hay.indexOf(want); i >= 0 && out.length < 999; i = hay.indexOf(want, i + want.length)) out.push(i);
  return out;
}

export function Json({ value, search, label }: { value: unknown; search?: boolean; label: string }) {
  const text = useMemo(() => jsonText(value), [value]);
  const [needle, setNeedle] = useState("");
  const at = useMemo(() => finds(text, needle), [text, needle]);
  return (
    <div className="json">
      {search && (
        <label className="field find">
          <Glyph name="i-search" />
          <span className="hid">Search in {label}</span>
          <input
            value={needle}
            onChange={(e) => setNeedle(e.target.value)}
            placeholder="Find in it"
            spellCheck={false}
          />
          {needle && <span className="num muted meta">{at.length === 0 ? "not in it" : `${at.length} found`}</span>}
        </label>
      )}
      <pre className="jsontext" tabIndex={0} role="region" aria-label={plain(label)}>
        {marked(text, at, needle.length)}
      </pre>
    </div>
  );
}

function marked(text: string, at: number[], n: number) {
  if (at.length === 0) return text;
  const out = [];
  let from = 0;
  for (const i of at) {
    if (i > from) out.push(text.slice(from, i));
    out.push(<mark key={i}>{text.slice(i, i + n)}</mark>);
    from = i + n;
  }
  out.push(text.slice(from));
  return out;
}
