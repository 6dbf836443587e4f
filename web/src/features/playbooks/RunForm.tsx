// Starting a playbook by hand: a form from its inputs.
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import type { Playbook } from "../../lib/wire";
import { Dialog } from "../../ui/Dialog";
import { type Fields, FormFields, typed } from "../../ui/Form";
import { Button } from "../../ui/parts";
import { Refused } from "../../ui/States";
import { Text } from "../../ui/Text";
import { useRun } from "./api";

/** Only what was filled in is sent; a default is worked out by the server. */
export default function RunForm({
  playbook,
  alert: given,
  onClose,
}: {
  playbook: Playbook;
  alert: string;
  onClose: () => void;
}) {
  const run = useRun();
  const navigate = useNavigate();
  const [raw, setRaw] = useState<Record<string, string>>({});
  const [alert, setAlert] = useState(given);
  const fields: Fields = Object.fromEntries(
    (playbook.inputs ?? []).map((i) => [
      i.name,
      {
        ...(i.schema as Fields[string]),
        optional: Boolean(i.optional) || i.default != null,
        ...(i.default == null ? {} : { description: `without it: ${String(i.default)}` }),
      },
    ]),
  );
  const submit = (e: FormEvent) => {
    e.preventDefault();
    run.mutate(
      { name: playbook.name, inputs: typed(fields, raw), alert: alert.trim() },
      { onSuccess: (id) => (id ? void navigate({ to: "/runs/$id", params: { id } }) : onClose()) },
    );
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={
        <>
          Run “<Text>{playbook.title || playbook.name}</Text>”
        </>
      }
    >
      <form className="stack" onSubmit={submit}>
        {(playbook.alert_required || given) && (
          <label className="labelled">
            <span className="t">Alert</span>
            <input
              className="input mono"
              value={alert}
              required={playbook.alert_required}
              pattern="alr_[0-9a-f]{32}"
              spellCheck={false}
              autoComplete="off"
              onChange={(e) => setAlert(e.target.value)}
              placeholder="alr_…"
            />
            <span className="hint">
              {playbook.alert_required
                ? "This playbook needs one. Most start from an alert's page."
                : "May be left empty."}
            </span>
          </label>
        )}
        <FormFields fields={fields} values={raw} onChange={(name, v) => setRaw((r) => ({ ...r, [name]: v }))} />
        {Object.keys(fields).length === 0 && <p className="soft">It takes no inputs.</p>}
        <p className="meta muted">Each action passes the policy; what needs a person will ask.</p>
        <Refused error={run.error} />
        <div className="acts2">
          <Button type="submit" kind="main" size="big" disabled={run.isPending}>
            Run {playbook.name}
          </Button>
          <Button size="big" kind="quiet" onClick={onClose}>
            Not now
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
