// A form from a JSON Schema: a field for each property, a list of words as choices.
import { type ReactNode, useId } from "react";
import { Text } from "./Text";

type Field = {
  type?: string;
  enum?: unknown[];
  optional?: boolean;
  title?: string;
  description?: string;
  default?: unknown;
};
export type Fields = Record<string, Field>;

/** The fields of a form, whether given as a map or as an object schema. */
export function fieldsOf(form: Record<string, unknown> | null | undefined): Fields {
  if (!form) return {};
  const props = form["properties"];
  return (typeof props === "object" && props !== null && form["type"] === "object" ? props : form) as Fields;
}

/** What was typed, in the types that the schema asks for. Empty optional fields are left out. */
export function typed(fields: Fields, raw: Record<string, string>): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, f] of Object.entries(fields)) {
    const v = raw[name] ?? "";
    if (f.type === "boolean") out[name] = v === "true";
    else if (v === "") {
      if (!f.optional) out[name] = f.type === "string" || !f.type ? "" : null;
    } else if (f.type === "integer" || f.type === "number") out[name] = Number(v);
    else if (f.type === "array" || f.type === "object") out[name] = parsed(v);
    else if (f.enum) out[name] = f.enum.find((e) => String(e) === v) ?? v;
    else out[name] = v;
  }
  return out;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function FormFields({
  fields,
  values,
  onChange,
}: {
  fields: Fields;
  values: Record<string, string>;
  onChange: (name: string, v: string) => void;
}) {
  const id = useId();
  return Object.entries(fields).map(([name, f]) => {
    const label = f.title || name.replaceAll("_", " ");
    const value = values[name] ?? (f.default === undefined ? "" : String(f.default));
    const required = !f.optional && f.type !== "boolean";
    return (
      <div key={name} className="labelled">
        <label className="t" htmlFor={`${id}-${name}`}>
          <Text>{label}</Text>
          {f.optional && <span className="muted"> (may be left empty)</span>}
        </label>
        {f.enum || f.type === "boolean" ? (
          <select
            id={`${id}-${name}`}
            className="input"
            required={required}
            value={value}
            onChange={(e) => onChange(name, e.target.value)}
          >
            {value === "" && <option value="">Choose</option>}
            {(f.enum ?? ["true", "false"]).map((o) => (
              <option key={String(o)} value={String(o)}>
                {f.type === "boolean" ? (o === "true" ? "yes" : "no") : String(o)}
              </option>
            ))}
          </select>
        ) : (
          <input
            id={`${id}-${name}`}
            className="input"
            required={required}
            inputMode={f.type === "integer" ? "numeric" : undefined}
            pattern={f.type === "integer" ? "-?[0-9]+" : undefined}
            value={value}
            spellCheck={false}
            autoComplete="off"
            onChange={(e) => onChange(name, e.target.value)}
          />
        )}
        {f.description && (
          <span className="hint">
            <Text>{f.description}</Text>
          </span>
        )}
      </div>
    );
  });
}

/** One field with its label, a hint, and what the server said of it. */
export function Field({
  label,
  hint,
  error,
  children,
}: {
  label: ReactNode;
  hint?: ReactNode;
  error?: string;
  children: (props: { id: string; "aria-invalid"?: true; "aria-describedby"?: string }) => ReactNode;
}) {
  const id = useId();
  return (
    <div className="labelled">
      <label className="t" htmlFor={id}>
        {label}
      </label>
      {children({ id, ...(error ? { "aria-invalid": true as const, "aria-describedby": `${id}-e` } : {}) })}
      {error && (
        <span className="failed" id={`${id}-e`}>
          <Text>{error}</Text>
        </span>
      )}
      {hint && <span className="hint">{hint}</span>}
    </div>
  );
}
