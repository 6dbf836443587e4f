// Single keys act only while nobody types, no dialog is open and the person has not switched them off (WCAG 2.1.4).
import { useEffect, useRef } from "react";
import { prefs } from "./prefs";

type Keys = Record<string, (e: KeyboardEvent) => void>;

const typing = (t: EventTarget | null): boolean =>
  t instanceof HTMLElement &&
  (t.isContentEditable ||
    t instanceof HTMLTextAreaElement ||
    t instanceof HTMLSelectElement ||
    (t instanceof HTMLInputElement && !["checkbox", "radio", "button", "submit"].includes(t.type)));

/** Whether the key belongs to a control that has the focus: Enter and Space press it. */
const pressing = (e: KeyboardEvent): boolean =>
  (e.key === "Enter" || e.key === " ") &&
  e.target instanceof HTMLElement &&
  e.target.closest("a, button, summary, [role=menuitem], [role=option]") !== null;

/**
 * Listens for single keys on the page as long as the component is there. Over says when a key goes before the link or
 * button that has the focus: what is armed is confirmed by Enter wherever the focus rests.
 */
export function useKeys(keys: Keys, on = true, over: (e: KeyboardEvent) => boolean = () => false): void {
  const now = useRef({ keys, over });
  useEffect(() => {
    now.current = { keys, over };
  });
  useEffect(() => {
    if (!on) return;
    const hear = (e: KeyboardEvent) => {
      if (!prefs().keys && e.key !== "Escape") return;
      if (e.ctrlKey || e.metaKey || e.altKey || e.repeat || e.isComposing || e.defaultPrevented) return;
      if (typing(e.target) || document.querySelector("[role=dialog], [role=alertdialog], [role=menu]")) return;
      if (pressing(e) && !now.current.over(e)) return;
      const act = now.current.keys[e.key];
      if (!act) return;
      e.preventDefault();
      act(e);
    };
    window.addEventListener("keydown", hear);
    return () => window.removeEventListener("keydown", hear);
  }, [on]);
}
