// A list of further acts behind one button.
import { Menu as Base } from "@base-ui/react/menu";
import type { ReactElement, ReactNode } from "react";
import { Glyph } from "./Glyph";

/** Open from the start: it is loaded by the press that asks for it (see ui/Lazy). */
export function Menu({
  trigger,
  children,
  align = "end",
}: {
  trigger: ReactElement;
  children: ReactNode;
  align?: "start" | "end";
}) {
  return (
    <Base.Root defaultOpen>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={6} align={align} className="menuplace">
          <Base.Popup className="menu">{children}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

export function MenuItem({
  onPick,
  children,
  disabled,
}: {
  onPick: () => void;
  children: ReactNode;
  disabled?: boolean;
}) {
  return (
    <Base.Item className="menuitem" onClick={onPick} disabled={disabled ?? false}>
      {children}
    </Base.Item>
  );
}

export function MenuChoice<T extends string>({
  label,
  value,
  options,
  onPick,
}: {
  label: string;
  value: T;
  options: readonly (readonly [value: T, text: string])[];
  onPick: (v: T) => void;
}) {
  return (
    <Base.Group>
      <Base.GroupLabel className="menulabel">{label}</Base.GroupLabel>
      <Base.RadioGroup value={value} onValueChange={(v) => onPick(v as T)}>
        {options.map(([v, text]) => (
          <Base.RadioItem key={v} value={v} className="menuitem" closeOnClick={false}>
            <span className="tick">{v === value && <Glyph name="v-benign" className="s" />}</span>
            {text}
          </Base.RadioItem>
        ))}
      </Base.RadioGroup>
    </Base.Group>
  );
}

export function MenuCheck({
  checked,
  onChange,
  children,
}: {
  checked: boolean;
  onChange: (on: boolean) => void;
  children: ReactNode;
}) {
  return (
    <Base.CheckboxItem className="menuitem" checked={checked} onCheckedChange={onChange} closeOnClick={false}>
      <span className="tick">{checked && <Glyph name="v-benign" className="s" />}</span>
      {children}
    </Base.CheckboxItem>
  );
}

export const MenuLine = () => <Base.Separator className="menuline" />;
