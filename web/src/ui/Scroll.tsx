import type { ReactNode, Ref } from "react";

type Props = { label: string; className?: string; children: ReactNode; ref?: Ref<HTMLElement> };

/** A part of the page that scrolls by itself: named, and reachable by keyboard so that arrow keys can scroll it. */
export function Scroll({ label, className = "scroll", children, ref }: Props) {
  return (
    <section className={className} tabIndex={0} aria-label={label} ref={ref}>
      {children}
    </section>
  );
}
