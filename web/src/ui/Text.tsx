// Text from outside. It is shown as text, with what deceives made visible.
import { Fragment } from "react";
import { halves, pieces } from "../lib/hostile";
import { Glyph } from "./Glyph";
import type { GlyphName } from "./Sprite";

/** Any text that somebody outside may have written. */
export function Text({ children }: { children: string | null | undefined }) {
  if (!children) return null;
  const parts = pieces(children);
  if (parts.length === 1 && parts[0]?.kind === "text") return <bdi>{children}</bdi>;
  return (
    <bdi>
      {parts.map((p, i) =>
        p.kind === "text" ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move
          <Fragment key={i}>{p.text}</Fragment>
        ) : p.kind === "hidden" ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move
          <span key={i} className="hiddenchar" title="a character that cannot be seen">
            {p.text}
          </span>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text never move
          <span key={i} className="spoof" title={`Look-alike: ${p.why}`}>
            {p.text}
            <span className="hid"> (look-alike: {p.why})</span>
          </span>
        ),
      )}
    </bdi>
  );
}

/** A long address on one line: its middle goes, host and end stay. The whole stands in the tooltip. */
export function Mid({ children }: { children: string }) {
  const [head, tail] = halves(children);
  if (!tail)
    return (
      <span className="cut">
        <Text>{children}</Text>
      </span>
    );
  return (
    <span className="mid" title={children}>
      <span>
        <Text>{head}</Text>
      </span>
      <span>
        <Text>{tail}</Text>
      </span>
    </span>
  );
}

/** What an action is about. It wraps; it is never cut. */
export function Target({ value }: { value: string }) {
  return (
    <span className="chip target">
      <Text>{value}</Text>
    </span>
  );
}

const KIND: Record<string, GlyphName> = {
  host: "i-host",
  server: "i-server",
  user: "i-user",
  account: "i-user",
  identity: "i-user",
  mail: "i-mail",
  message: "i-mail",
  mailbox: "i-mail",
  url: "i-globe",
  domain: "i-globe",
  ip: "i-server",
  address: "i-server",
  file: "i-hash",
  hash: "i-hash",
  process: "i-process",
  ticket: "i-audit",
};

const kindGlyph = (kind: string): GlyphName => KIND[kind] ?? "i-pin";

export function Kind({ kind, className = "s" }: { kind: string; className?: string }) {
  return <Glyph name={kindGlyph(kind)} className={className} />;
}
