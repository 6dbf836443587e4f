// A question over the page. Focus goes in, stays in and comes back; Escape leaves without doing anything.
import { Dialog as Base } from "@base-ui/react/dialog";
import type { ReactNode, RefObject } from "react";
import { Glyph } from "./Glyph";

type Props = {
  title: ReactNode;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
  focus?: RefObject<HTMLElement | null>;
};

export function Dialog({ title, open, onClose, children, wide, focus }: Props) {
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="veil" />
        <Base.Popup className={`dialog${wide ? " wide" : ""}`} {...(focus ? { initialFocus: focus } : {})}>
          <div className="dialoghead">
            <Base.Title className="dialogtitle">{title}</Base.Title>
            <Base.Close className="btn quiet small" aria-label="Close">
              <Glyph name="i-close" className="s" />
            </Base.Close>
          </div>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
