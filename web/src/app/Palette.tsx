// Everything reachable by typing: places, what waits, playbooks, runs, and any id pasted from elsewhere.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useDeferredValue, useId, useMemo, useRef, useState } from "react";
import { alertSearch } from "../features/alerts/api";
import { headline } from "../features/approvals/model";
import { playbookList } from "../features/playbooks/api";
import { plain } from "../lib/hostile";
import { short } from "../lib/ids";
import { approvals, runs } from "../lib/queries";
import { Dialog } from "../ui/Dialog";
import { Glyph } from "../ui/Glyph";
import type { GlyphName } from "../ui/Sprite";
import { Text } from "../ui/Text";
import { PLACES } from "./places";

type Hit = { id: string; glyph: GlyphName; text: string; note: string; go: () => void };

const IDS: Record<string, "/alerts/$id" | "/runs/$id" | "/approvals/$id"> = {
  alr_: "/alerts/$id",
  run_: "/runs/$id",
  apr_: "/approvals/$id",
};

function useHits(q: string): Hit[] {
  const navigate = useNavigate();
  const open = useQuery(approvals({ status: "pending" }));
  const recent = useQuery(runs({ limit: 50 }));
  const books = useQuery(playbookList);
  const found = useQuery({ ...alertSearch(q), enabled: q.length >= 3 });
  return useMemo(() => {
    const fits = (...words: string[]) => {
      const hay = words.join(" ").toLowerCase();
      return q
        .toLowerCase()
        .split(/\s+/)
        .every((w) => hay.includes(w));
    };
    const hits: Hit[] = [];
    const to = IDS[q.slice(0, 4)];
    if (to && /^[a-z]{3}_[0-9a-f]{32}$/.test(q))
      hits.push({
        id: q,
        glyph: "i-right",
        text: q,
        note: "open this id",
        go: () => void navigate({ to, params: { id: q } }),
      });
    for (const p of PLACES)
      if (fits(p.name, p.words))
        hits.push({ id: p.to, glyph: p.glyph, text: p.name, note: "", go: () => void navigate({ to: p.to }) });
    if (!q) return hits;
    for (const a of open.data?.items ?? []) {
      const h = headline(a);
      const text = `${h.verb} ${h.targets.join(", ")}`;
      if (fits(text, a.playbook))
        hits.push({
          id: a.id,
          glyph: "i-approvals",
          text,
          note: "waits for a decision",
          go: () => void navigate({ to: "/approvals/$id", params: { id: a.id } }),
        });
    }
    for (const b of books.data?.items ?? [])
      if (fits(b.name, b.title ?? ""))
        hits.push({
          id: b.name,
          glyph: "i-playbooks",
          text: b.title || b.name,
          note: b.name,
          go: () => void navigate({ to: "/playbooks/$name", params: { name: b.name } }),
        });
    for (const a of found.data?.items ?? [])
      hits.push({
        id: a.id,
        glyph: "i-alerts",
        text: a.title,
        note: a.source,
        go: () => void navigate({ to: "/alerts/$id", params: { id: a.id } }),
      });
    for (const r of recent.data?.items ?? [])
      if (fits(r.id, r.playbook))
        hits.push({
          id: r.id,
          glyph: "i-runs",
          text: r.playbook || "by hand",
          note: short(r.id),
          go: () => void navigate({ to: "/runs/$id", params: { id: r.id } }),
        });
    hits.push({
      id: "q",
      glyph: "i-search",
      text: `Alerts with “${q}”`,
      note: "search",
      go: () => void navigate({ to: "/alerts", search: { q } }),
    });
    return hits.slice(0, 40);
  }, [q, open.data, recent.data, books.data, found.data, navigate]);
}

export default function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const hits = useHits(useDeferredValue(text.trim()));
  const [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const mark = Math.min(at, hits.length - 1);
  const pick = (h: Hit | undefined) => {
    if (!h) return;
    onClose();
    h.go();
  };
  const onKey = (e: KeyboardEvent) => {
    if (e.key === "ArrowDown") setAt(Math.min(hits.length - 1, mark + 1));
    else if (e.key === "ArrowUp") setAt(Math.max(0, mark - 1));
    else if (e.key === "Enter") pick(hits[mark]);
    else return;
    e.preventDefault();
  };
  return (
    <Dialog open onClose={onClose} focus={input} title="Search or jump to">
      <div className="palette">
        <input
          ref={input}
          role="combobox"
          aria-expanded="true"
          aria-controls={id}
          aria-activedescendant={`${id}-${mark}`}
          aria-label="Search or jump to"
          value={text}
          spellCheck={false}
          autoComplete="off"
          placeholder="A place, a target, a playbook, an id"
          onChange={(e) => {
            setText(e.target.value);
            setAt(0);
          }}
          onKeyDown={onKey}
        />
        <div id={id} role="listbox" className="hits" aria-label="Results">
          {hits.map((h, i) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the input hears the keys
            // biome-ignore lint/a11y/useFocusableInteractive: the input keeps the focus and names the marked entry
            <div
              key={h.id}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === mark}
              aria-label={plain(`${h.text} ${h.note}`)}
              onMouseMove={() => setAt(i)}
              onClick={() => pick(h)}
            >
              <Glyph name={h.glyph} />
              <span className="cut grow">
                <Text>{h.text}</Text>
              </span>
              <span className="muted meta nowrap">{h.note}</span>
            </div>
          ))}
        </div>
      </div>
    </Dialog>
  );
}
