// A menu whose code is loaded by the first press, or a moment before it, when the pointer or the focus comes near.
import { type ComponentType, lazy, type ReactElement, Suspense, useMemo, useState } from "react";

type Props<P> = {
  load: () => Promise<{ default: ComponentType<P> }>;
  props: P;
  /** The button as it looks before the menu is there. */
  button: (open: () => void) => ReactElement;
};

export function LazyMenu<P extends object>({ load, props, button }: Props<P>) {
  const [wanted, setWanted] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is loaded never changes
  const Loaded = useMemo(() => lazy(load) as unknown as ComponentType<P>, []);
  const plain = (
    <span className="lazy" onPointerEnter={() => void load()} onFocus={() => void load()}>
      {button(() => setWanted(true))}
    </span>
  );
  if (!wanted) return plain;
  return (
    <Suspense fallback={plain}>
      <Loaded {...props} />
    </Suspense>
  );
}
