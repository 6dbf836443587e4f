// Small parts that every screen uses.
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Glyph } from "./Glyph";
import type { GlyphName } from "./Sprite";

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  kind?: "main" | "plain" | "quiet";
  size?: "small" | "normal" | "big";
  icon?: GlyphName;
  shortcut?: string;
};

/** A verb and a noun. */
export function Button({
  kind = "plain",
  size = "normal",
  icon,
  shortcut,
  className = "",
  children,
  ...rest
}: ButtonProps) {
  return (
    <button type="button" className={`btn ${kind} ${size} ${className}`} {...rest}>
      {icon && <Glyph name={icon} />}
      {children}
      {shortcut && <Key>{shortcut}</Key>}
    </button>
  );
}

export const Key = ({ children }: { children: string }) => <kbd className="k">{children}</kbd>;

/** The reason in the place of a control one may not use. */
export function Locked({ children }: { children: ReactNode }) {
  return (
    <p className="locked">
      <Glyph name="i-lock" />
      <span>{children}</span>
    </p>
  );
}

/** A bold word, a grey remark and a hairline. */
export function Section({
  title,
  remark,
  aside,
  children,
  className = "",
  level = 2,
}: {
  title: string;
  remark?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
  level?: 2 | 3;
}) {
  const H = level === 2 ? "h2" : "h3";
  return (
    <section className={`section ${className}`}>
      <div className="sec">
        <H>{title}</H>
        {remark && <span className="muted cut">{remark}</span>}
        <span className="grow" />
        {aside}
      </div>
      {children}
    </section>
  );
}

/** Label and value, in two columns. */
export function Facts({ children, tight }: { children: ReactNode; tight?: boolean }) {
  return <dl className={`facts${tight ? " tight" : ""}`}>{children}</dl>;
}

export function Fact({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** The first letters of a name's parts: "jana.novak" is JN. */
export const initials = (name: string): string =>
  name
    .split(/[.\s_-]+/)
    .filter(Boolean)
    .map((p) => [...p][0]?.toUpperCase() ?? "")
    .slice(0, 2)
    .join("");

/** A person as two letters in a ring. */
export function Who({ name }: { name: string }) {
  return (
    <span className="who" title={name} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

export type Tab = { id: string; label: string; n?: string | number | undefined };

/** Tabs that show panels of one screen. Arrow keys move, as people who use them expect. */
export function Tabs({
  tabs,
  at,
  onPick,
  label,
}: {
  tabs: readonly Tab[];
  at: string;
  onPick: (id: string) => void;
  label: string;
}) {
  const step = (by: number) => {
    const i = tabs.findIndex((t) => t.id === at);
    const next = tabs[(i + by + tabs.length) % tabs.length];
    if (!next) return;
    onPick(next.id);
    document.getElementById(`tab-${label}-${next.id}`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={label}>
      {tabs.map((t) => (
        <button
          key={t.id}
          id={`tab-${label}-${t.id}`}
          type="button"
          role="tab"
          aria-selected={t.id === at}
          tabIndex={t.id === at ? 0 : -1}
          onClick={() => onPick(t.id)}
          onKeyDown={(e) => {
            if (e.key === "ArrowRight") step(1);
            else if (e.key === "ArrowLeft") step(-1);
            else return;
            e.preventDefault();
          }}
        >
          {t.label}
          {t.n !== undefined && <span className="n">{t.n}</span>}
        </button>
      ))}
    </div>
  );
}

/** A filter of a list: a plain select with its label inside. */
export function Select<T extends string>({
  label,
  value,
  options,
  onPick,
}: {
  label: string;
  value: T;
  options: readonly (readonly [value: T, text: string])[];
  onPick: (v: T) => void;
}) {
  return (
    <label className="pickone">
      <span className="muted">{label}</span>
      <select value={value} onChange={(e) => onPick(e.target.value as T)}>
        {options.map(([v, text]) => (
          <option key={v} value={v}>
            {text}
          </option>
        ))}
      </select>
      <Glyph name="i-down" className="s" />
    </label>
  );
}

/** Copies a text; says that it did. */
export function Copy({ text, what }: { text: string; what: string }) {
  return (
    <button
      type="button"
      className="btn quiet small"
      title={`Copy ${what}`}
      onClick={(e) => {
        const b = e.currentTarget;
        navigator.clipboard?.writeText(text).then(
          () => b.setAttribute("data-said", "copied"),
          () => b.setAttribute("data-said", "not copied: the browser forbids it"),
        );
      }}
    >
      <Glyph name="i-copy" className="s" />
      Copy
    </button>
  );
}

/** The keys of a screen, along its lower edge. */
export function Keys({
  keys,
  children,
}: {
  keys: readonly (readonly [keys: string, does: string])[];
  children?: ReactNode;
}) {
  return (
    <div className="keys">
      {keys.map(([k, does]) => (
        <span key={k}>
          {k.split(" ").map((one) => (
            <Key key={one}>{one}</Key>
          ))}
          {does}
        </span>
      ))}
      <span className="grow" />
      {children}
    </div>
  );
}
