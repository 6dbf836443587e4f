// A windowed list: ten thousand rows cost as much as thirty. On a phone each row is a card.
import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, memo, type ReactNode, useEffect, useLayoutEffect, useMemo, useRef } from "react";
import { usePhone } from "../lib/media";
import { usePrefs } from "../lib/prefs";

export type Column<T> = {
  id: string;
  label: string;
  width: string;
  cell: (row: T, index: number) => ReactNode;
  cls?: string;
  /** Gives way on a screen below 1180 px. */
  secondary?: boolean;
};

type Props<T> = {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => string;
  /** The row on a phone. */
  card: (row: T) => ReactNode;
  /** The marked row, which j and k move; -1 for none. */
  at?: number;
  picked?: (row: T) => boolean;
  foot?: ReactNode;
  narrow?: boolean;
  /** Called when the last rows come into view. */
  onEnd?: () => void;
};

export function Grid<T>({ label, columns, rows, rowKey, card, at = -1, picked, foot, narrow, onEnd }: Props<T>) {
  const phone = usePhone();
  const { compact } = usePrefs();
  const box = useRef<HTMLDivElement>(null);
  const shown = useMemo(
    () => (phone ? [] : narrow ? columns.filter((c) => !c.secondary) : columns),
    [phone, narrow, columns],
  );
  const rowHeight = compact ? 30 : 36;
  const v = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => (phone ? 86 : rowHeight),
    getItemKey: (i) => {
      const row = rows[i];
      return row === undefined ? i : rowKey(row);
    },
    overscan: 12,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: sizes change with the form of the rows only
  useEffect(() => v.measure(), [phone, rowHeight]);
  useLayoutEffect(() => {
    if (at < 0) return;
    v.scrollToIndex(at);
    // The focus goes with the mark, so that Enter opens it and a screen reader says it: before the next key can come,
    // or, where the row is far away, as soon as it is drawn.
    const focus = () => {
      const link = box.current?.querySelector<HTMLElement>(`[data-index="${at}"] .rowlink`);
      link?.focus({ preventScroll: true });
      return link != null;
    };
    if (focus()) return;
    const frame = requestAnimationFrame(focus);
    return () => cancelAnimationFrame(frame);
  }, [at, v]);
  const items = v.getVirtualItems();
  const last = items.at(-1)?.index ?? -1;
  useEffect(() => {
    if (onEnd && rows.length > 0 && last >= rows.length - 10) onEnd();
  }, [last, rows.length, onEnd]);

  const style = { "--cols": shown.map((c) => c.width).join(" ") } as CSSProperties;
  return (
    <div
      className="grid"
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      style={phone ? undefined : style}
    >
      {!phone && (
        // biome-ignore lint/a11y/useFocusableInteractive: a row of headings takes no focus
        <div className="gridhead" role="row">
          {shown.map((c) => (
            // biome-ignore lint/a11y/useFocusableInteractive: see above
            <span key={c.id} role="columnheader" className={/\br\b/.test(c.cls ?? "") ? "r" : ""}>
              {c.label || <span className="hid">{c.id}</span>}
            </span>
          ))}
        </div>
      )}
      <div className="gridbody" role="rowgroup" ref={box} tabIndex={0} data-rest aria-label={label}>
        <div style={{ height: v.getTotalSize(), position: "relative" }} role="presentation">
          {items.map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            return (
              <Line
                key={item.key}
                row={row}
                index={item.index}
                start={item.start}
                height={phone ? undefined : rowHeight}
                at={item.index === at}
                picked={picked?.(row) ?? false}
                columns={shown}
                card={phone ? card : undefined}
                measure={phone ? v.measureElement : undefined}
              />
            );
          })}
        </div>
        {foot}
      </div>
    </div>
  );
}

type LineProps<T> = {
  row: T;
  index: number;
  start: number;
  height: number | undefined;
  at: boolean;
  picked: boolean;
  columns: readonly Column<T>[];
  card: ((row: T) => ReactNode) | undefined;
  measure: ((e: HTMLDivElement | null) => void) | undefined;
};

/** One row; scrolling draws only those that come into view. */
const Line = memo(function Line<T>({ row, index, start, height, at, picked, columns, card, measure }: LineProps<T>) {
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the row's link takes the focus
    <div
      role="row"
      aria-rowindex={index + 2}
      className={`gridrow${at ? " at" : ""}${picked ? " picked" : ""}`}
      data-index={index}
      ref={measure}
      style={{ transform: `translateY(${start}px)`, height }}
    >
      {card ? (
        <div role="cell" className="cardcell">
          {card(row)}
        </div>
      ) : (
        columns.map((c) => (
          <span key={c.id} role="cell" className={`cell ${c.cls ?? ""}`}>
            {c.cell(row, index)}
          </span>
        ))
      )}
    </div>
  );
}) as <T>(p: LineProps<T>) => ReactNode;
