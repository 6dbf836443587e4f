// What a screen says when there is nothing to show: what did not happen, and one next act.
import type { ReactNode } from "react";
import { Glyph } from "./Glyph";
import { Button } from "./parts";

/** Whether nothing exists, nothing matches, or nothing needs you; and the one next act. */
export function Empty({ title, children, act }: { title: string; children?: ReactNode; act?: ReactNode }) {
  return (
    <div className="say-state">
      <h2>{title}</h2>
      {children && <p className="soft">{children}</p>}
      {act && <div className="btns">{act}</div>}
    </div>
  );
}

/** After 200 ms the frame with blank rows, never a spinner. */
export function Loading({ rows = 8, label = "Loading" }: { rows?: number; label?: string }) {
  return (
    <div className="blank" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: blank rows are all the same
        <div key={i} className="blankrow" aria-hidden="true">
          <i />
          <i />
          <i />
        </div>
      ))}
    </div>
  );
}

type Said = { message: string; id?: string; status?: number; unknown?: boolean };

const said = (error: unknown): Said =>
  error instanceof Error ? (error as Error & Partial<Said>) : { message: "Something went wrong." };

/** What failed, that nothing was changed, try again, an id to copy. */
export function Failure({ what, error, retry }: { what: string; error: unknown; retry?: () => void }) {
  const e = said(error);
  return (
    <div className="say-state" role="alert">
      <h2>
        <Glyph name="s-failed" className="failed" />
        {what}
      </h2>
      <p className="soft">
        {e.message}{" "}
        {e.unknown ? "Whether it was done is not known; look before you try again." : "Nothing was changed."}
      </p>
      <div className="btns">
        {retry && <Button onClick={retry}>Try again</Button>}
        {e.id && <span className="mono meta muted">{e.id}</span>}
      </div>
    </div>
  );
}

/** One line for a refused act, in place of a page. */
export function Refused({ error }: { error: unknown }) {
  if (!error) return null;
  const e = said(error) as Said & { places?: readonly { at: string; message: string }[] };
  return (
    <div className="refused" role="alert">
      <Glyph name="s-failed" className="failed" />
      <div>
        {e.message} {e.unknown ? "Whether it was done is not known." : "Nothing was changed."}
        {e.places?.map((p) => (
          <div key={p.at + p.message} className="meta soft">
            <span className="mono">{p.at}</span> {p.message}
          </div>
        ))}
        {e.id && <div className="mono meta muted">{e.id}</div>}
      </div>
    </div>
  );
}
