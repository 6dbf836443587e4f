// The bell of the top bar: how much there is to hear.
import { useQuery } from "@tanstack/react-query";
import { Glyph } from "../../ui/Glyph";
import { notifications } from "./api";
import { badge } from "./model";

export function Bell({ onOpen }: { onOpen: () => void }) {
  const q = useQuery(notifications);
  const n = q.data?.unread ?? 0;
  return (
    <button
      type="button"
      className="round bell"
      aria-haspopup="dialog"
      aria-keyshortcuts="n"
      aria-label={n === 0 ? "Notifications, none unread" : `Notifications, ${n} unread`}
      onClick={onOpen}
    >
      <Glyph name="i-bell" />
      {n > 0 && <span className="tally num">{badge(n)}</span>}
    </button>
  );
}
