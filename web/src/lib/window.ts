// Which rows of equal height are in sight. For lists that need no more than that; the long ones use the virtualizer.
import { type RefObject, useEffect, useState } from "react";

const SPARE = 6;

/** The first and the last row to draw, with a few to spare. */
export function inSight(top: number, height: number, row: number, count: number): [first: number, last: number] {
  const first = Math.max(0, Math.min(count - 1, Math.floor(top / row)) - SPARE);
  return [first, Math.min(count - 1, Math.ceil((top + height) / row) + SPARE)];
}

export function useRowsInSight(
  box: RefObject<HTMLElement | null>,
  count: number,
  row: number,
): [first: number, last: number] {
  const [at, setAt] = useState({ top: 0, height: 600 });
  useEffect(() => {
    const e = box.current;
    if (!e) return;
    const look = () =>
      setAt((old) =>
        Math.abs(old.top - e.scrollTop) < row && old.height === e.clientHeight
          ? old
          : { top: e.scrollTop, height: e.clientHeight },
      );
    look();
    e.addEventListener("scroll", look, { passive: true });
    const size = new ResizeObserver(look);
    size.observe(e);
    return () => {
      e.removeEventListener("scroll", look);
      size.disconnect();
    };
  }, [box, row]);
  return inSight(at.top, at.height, row, count);
}
