// A connection, new or changed. Secrets go in and never come out.
import { type FormEvent, useState } from "react";
import type { Connection, Integration } from "../../lib/wire";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Form";
import { Button } from "../../ui/parts";
import { Refused } from "../../ui/States";
import { useSaveConnection } from "./api";
import { draftOf, drops, emptyDraft, errorAt, wishOf } from "./model";

type Props = {
  before: Connection | null;
  integrations: readonly Integration[];
  onClose: () => void;
  onDone: (name: string) => void;
};

export default function ConnectionForm({ before, integrations, onClose, onDone }: Props) {
  const save = useSaveConnection();
  const [d, setD] = useState(() => (before ? draftOf(before) : emptyDraft(integrations.find((i) => !i.native))));
  const kind = integrations.find((i) => i.id === d.integration);
  const ways = kind?.auth ?? [];
  const way = ways.find((a) => a.type === d.auth);
  const dropped = drops(d, before);
  const set = (change: Partial<typeof d>) => setD({ ...d, ...change });
  const submit = (e: FormEvent) => {
    e.preventDefault();
    save.mutate(
      { wish: wishOf(d, before), version: before ? before.version : null },
      { onSuccess: () => onDone(d.name.trim()) },
    );
  };
  const names = Object.keys(way?.fields ?? {}).sort();
  return (
    <Dialog open onClose={onClose} wide title={before ? `Change ${before.name}` : "New connection"}>
      <form className="stack" onSubmit={submit}>
        {!before && (
          <div className="fields2">
            <Field label="To" error={errorAt(save.error, "/integration")}>
              {(p) => (
                <select
                  {...p}
                  className="input"
                  value={d.integration}
                  onChange={(e) => setD(emptyDraft(integrations.find((i) => i.id === e.target.value)))}
                >
                  {integrations
                    .filter((i) => !i.native)
                    .map((i) => (
                      <option key={i.id} value={i.id}>
                        {i.name}
                      </option>
                    ))}
                </select>
              )}
            </Field>
            <Field
              label="Name"
              error={errorAt(save.error, "/name")}
              hint="Playbooks name it: small letters, digits and hyphens."
            >
              {(p) => (
                <input
                  {...p}
                  className="input"
                  required
                  pattern="[a-z0-9\-]{1,64}"
                  value={d.name}
                  onChange={(e) => set({ name: e.target.value })}
                />
              )}
            </Field>
          </div>
        )}
        <Field label="Address" error={errorAt(save.error, "/base_url")}>
          {(p) => (
            <input
              {...p}
              className="input mono"
              required={kind?.base_url ?? false}
              inputMode="url"
              placeholder="https://"
              spellCheck={false}
              value={d.base_url}
              onChange={(e) => set({ base_url: e.target.value })}
            />
          )}
        </Field>
        {ways.length > 0 && (
          <Field label="Authentication" error={errorAt(save.error, "/auth")}>
            {(p) => (
              <select
                {...p}
                className="input"
                value={d.auth}
                onChange={(e) => set({ auth: e.target.value, fields: {} })}
              >
                {ways.map((a) => (
                  <option key={a.type} value={a.type}>
                    {a.type}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
        {dropped && (
          <p className="refused" role="status">
            {`Saving with ${dropped} drops the stored secret, so that nobody can send it to themselves. Enter it again.`}
          </p>
        )}
        {names.map((f) => {
          const kept = before !== null && !dropped && (before.auth.set ?? []).includes(f);
          return (
            <Field
              key={f}
              label={`${way?.fields?.[f] || f}`.replaceAll("_", " ")}
              hint={
                kept
                  ? "Set, and never shown. Leave it empty to keep it; type to replace it."
                  : "Sealed when it is saved and never shown again. env://NAME and file://NAME are taken where the server lists them."
              }
            >
              {(p) => (
                <input
                  {...p}
                  className="input mono"
                  type={f === "username" ? "text" : "password"}
                  autoComplete="off"
                  required={!kept}
                  value={d.fields[f] ?? ""}
                  onChange={(e) => set({ fields: { ...d.fields, [f]: e.target.value } })}
                />
              )}
            </Field>
          );
        })}
        <details>
          <summary>Environment, limits and network</summary>
          <div className="stack gap">
            <div className="fields2">
              <Field label="Environment" hint="The policy sees it." error={errorAt(save.error, "/environment")}>
                {(p) => (
                  <input
                    {...p}
                    className="input"
                    value={d.environment}
                    onChange={(e) => set({ environment: e.target.value })}
                  />
                )}
              </Field>
              <Field label="Tags" error={errorAt(save.error, "/tags")}>
                {(p) => (
                  <input {...p} className="input" value={d.tags} onChange={(e) => set({ tags: e.target.value })} />
                )}
              </Field>
              <Field label="Calls a second" hint="Empty: no limit of ours." error={errorAt(save.error, "/rate")}>
                {(p) => (
                  <input
                    {...p}
                    className="input"
                    inputMode="decimal"
                    pattern="[0-9]*(\.[0-9]+)?"
                    value={d.per_second}
                    onChange={(e) => set({ per_second: e.target.value })}
                  />
                )}
              </Field>
              <Field label="Calls at once" error={errorAt(save.error, "/concurrency")}>
                {(p) => (
                  <input
                    {...p}
                    className="input"
                    inputMode="numeric"
                    pattern="[0-9]*"
                    value={d.concurrency}
                    onChange={(e) => set({ concurrency: e.target.value })}
                  />
                )}
              </Field>
            </div>
            <Field
              label="Also allowed addresses"
              hint="Private, loopback and metadata addresses are refused unless they stand here."
              error={errorAt(save.error, "/egress")}
            >
              {(p) => (
                <textarea
                  {...p}
                  className="input mono"
                  rows={2}
                  value={d.egress}
                  onChange={(e) => set({ egress: e.target.value })}
                />
              )}
            </Field>
            <label className="row six">
              <input type="checkbox" checked={d.isDefault} onChange={(e) => set({ isDefault: e.target.checked })} />
              Used where a playbook names no connection
            </label>
          </div>
        </details>
        <Refused error={save.error} />
        <div className="acts2">
          <Button type="submit" kind="main" size="big" disabled={save.isPending}>
            {before ? "Save the connection" : "Make the connection"}
          </Button>
          <Button size="big" kind="quiet" onClick={onClose}>
            Leave it as it is
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
