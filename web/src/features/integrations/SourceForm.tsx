// A source of alerts, new or changed, with its secret shown once and a payload to try it on.
import { type FormEvent, useState } from "react";
import type { Integration, Source } from "../../lib/wire";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Form";
import { Button, Copy } from "../../ui/parts";
import { Refused } from "../../ui/States";
import { Text } from "../../ui/Text";
import { useSaveSource, useTry } from "./api";
import { errorAt, sourceDraft, sourceWish, WAYS } from "./model";

type Props = { before: Source | null; integrations: readonly Integration[]; onClose: () => void };

export default function SourceForm({ before, integrations, onClose }: Props) {
  const save = useSaveSource();
  const [d, setD] = useState(() => sourceDraft(before));
  const [rotation, setRotation] = useState<"" | "replace" | "add">("");
  const set = (change: Partial<typeof d>) => setD({ ...d, ...change });
  const own = before?.spec && !before.spec.mapping;
  const submit = (e: FormEvent) => {
    e.preventDefault();
    save.mutate(
      { wish: sourceWish(d, before, rotation), version: before ? before.version : null },
      { onSuccess: (m) => m.secret === "" && onClose() },
    );
  };
  if (save.data?.secret) return <Made name={d.name.trim()} secret={save.data.secret} onClose={onClose} />;
  return (
    <Dialog open onClose={onClose} wide title={before ? `Change the source ${before.name}` : "New source"}>
      <form className="stack" onSubmit={submit}>
        {!before && (
          <Field
            label="Name"
            error={errorAt(save.error, "/name")}
            hint={`Alerts are posted to /hooks/${d.name.trim() || "NAME"}.`}
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
        )}
        <div className="fields2">
          <Field
            label="Mapping"
            error={errorAt(save.error, "/mapping", "/map", "/items", "/when", "/closes")}
            hint="How what is sent becomes an alert."
          >
            {(p) => (
              <select {...p} className="input" value={d.mapping} onChange={(e) => set({ mapping: e.target.value })}>
                {own && <option value="">its own</option>}
                <option value="generic">generic: the alert's own names</option>
                {integrations
                  .filter((i) => i.alerts)
                  .map((i) => (
                    <option key={i.id} value={i.id}>
                      {i.name}
                    </option>
                  ))}
              </select>
            )}
          </Field>
          <Field label="Senders prove themselves by" error={errorAt(save.error, "/auth")}>
            {(p) => (
              <select {...p} className="input" value={d.way} onChange={(e) => set({ way: e.target.value })}>
                {WAYS.map(([v, words]) => (
                  <option key={v} value={v}>
                    {words}
                  </option>
                ))}
              </select>
            )}
          </Field>
          {d.way === "basic" && (
            <Field label="User name">
              {(p) => (
                <input
                  {...p}
                  className="input"
                  required
                  value={d.username}
                  onChange={(e) => set({ username: e.target.value })}
                />
              )}
            </Field>
          )}
          <Field
            label="Header that names a delivery"
            hint="Where the sender has one; a repeated delivery is then taken once."
            error={errorAt(save.error, "/delivery")}
          >
            {(p) => (
              <input {...p} className="input" value={d.delivery} onChange={(e) => set({ delivery: e.target.value })} />
            )}
          </Field>
        </div>
        {before && (
          <Field label="Secret" error={errorAt(save.error, "/secret")}>
            {(p) => (
              <select
                {...p}
                className="input"
                value={rotation}
                onChange={(e) => setRotation(e.target.value as typeof rotation)}
              >
                <option value="">Keep it</option>
                <option value="add">Make a new one; the old one stays good beside it</option>
                <option value="replace">Make a new one; the old one ends now</option>
              </select>
            )}
          </Field>
        )}
        <Trial mapping={d.mapping} />
        <Refused error={save.error} />
        <div className="acts2">
          <Button type="submit" kind="main" size="big" disabled={save.isPending}>
            {before ? "Save the source" : "Make the source"}
          </Button>
          <Button size="big" kind="quiet" onClick={onClose}>
            Leave it as it is
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** The secret, this once. */
function Made({ name, secret, onClose }: { name: string; secret: string; onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} title={`The secret of ${name}`}>
      <div className="stack">
        <p className="soft">It is shown this once and never again. Give it to the sender now.</p>
        <p className="frame mono wrapword">{secret}</p>
        <p className="soft">
          Alerts go to <span className="mono">{`${location.origin}/hooks/${name}`}</span>
        </p>
        <div className="acts2">
          <Copy text={secret} what="the secret" />
          <Button kind="main" size="big" onClick={onClose}>
            The sender has it
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

/** What the mapping makes of a pasted payload. */
function Trial({ mapping }: { mapping: string }) {
  const attempt = useTry();
  const [payload, setPayload] = useState("");
  if (!mapping) return null;
  return (
    <details>
      <summary>Try a payload</summary>
      <div className="stack gap">
        <Field label="Payload, as the sender would post it" error={errorAt(attempt.error, "/payload")}>
          {(p) => (
            <textarea
              {...p}
              className="input mono"
              rows={5}
              spellCheck={false}
              value={payload}
              onChange={(e) => setPayload(e.target.value)}
            />
          )}
        </Field>
        <div className="row">
          <Button disabled={attempt.isPending || payload === ""} onClick={() => attempt.mutate({ mapping, payload })}>
            Show the alert
          </Button>
        </div>
        <Refused error={attempt.error} />
        {attempt.data && (
          <div role="status" className="stack">
            {attempt.data.alerts.length === 0 && <p className="soft">Nothing in it would become an alert.</p>}
            {attempt.data.alerts.map((t, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the alerts of one answer never move
              <div key={i} className="frame">
                <strong className="wrapword">
                  <Text>{t.alert.title || "no title"}</Text>
                </strong>{" "}
                <span className="muted">
                  {t.ignore ? "counted, not stored" : t.closes ? "closes the alert with its key" : t.alert.severity}
                  {!t.alert.mapped && " · unmapped"}
                </span>
                {t.unread.length > 0 && (
                  <p className="failed wrapword">
                    <Text>{`Could not be read: ${t.unread.join(", ")}`}</Text>
                  </p>
                )}
              </div>
            ))}
          </div>
        )}
      </div>
    </details>
  );
}
