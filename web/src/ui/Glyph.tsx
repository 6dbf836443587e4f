// Marks: a state, a severity, a verdict. Each has its own outline and always a word beside it or for screen readers.
import { type State, stateWord } from "../lib/states";
import type { Alert } from "../lib/wire";
import type { GlyphName } from "./Sprite";

export function Glyph({ name, className = "" }: { name: GlyphName; className?: string }) {
  return (
    <svg className={`g ${className}`} aria-hidden="true">
      <use href={`#${name}`} />
    </svg>
  );
}

/** A state's glyph with its word; words replaces it where more is known. */
export function StateMark({ state, words, strong }: { state: State; words?: string | undefined; strong?: boolean }) {
  const text = words ?? stateWord(state);
  return (
    <span className={`state ${state}`}>
      <Glyph name={`s-${state}`} />
      <span className="cut">{strong ? <strong>{text}</strong> : text}</span>
    </span>
  );
}

/** The glyph alone, where the word stands elsewhere in the row. */
export function StateGlyph({ state, className = "" }: { state: State; className?: string }) {
  return (
    <>
      <Glyph name={`s-${state}`} className={`${state} ${className}`} />
      <span className="hid">{stateWord(state)}</span>
    </>
  );
}

type SeverityWord = Alert["severity"];

const SEVERITY: Record<SeverityWord, { cls: string; word: string }> = {
  informational: { cls: "info", word: "Info" },
  low: { cls: "low", word: "Low" },
  medium: { cls: "medium", word: "Medium" },
  high: { cls: "high", word: "High" },
  critical: { cls: "critical", word: "Critical" },
};

/** A four-step signal strength and the word; only critical is filled. Nothing where there is no severity. */
export function Severity({ severity }: { severity: string | undefined }) {
  const s = SEVERITY[severity as SeverityWord];
  if (!s) return null;
  return (
    <span className={`sev ${s.cls}`}>
      <Glyph name={`sev-${s.cls}` as GlyphName} />
      {s.word}
    </span>
  );
}

export type VerdictWord = "malicious" | "suspicious" | "benign" | "unknown";

export function Verdict({ verdict, words }: { verdict: VerdictWord; words?: string | undefined }) {
  return (
    <span className={`verdict ${verdict}`}>
      <Glyph name={`v-${verdict}`} />
      {words ?? `${verdict[0]?.toUpperCase()}${verdict.slice(1)}`}
    </span>
  );
}
