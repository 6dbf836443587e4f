// Closing with a reason, and starting a playbook on an alert.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import { useMe, whyNot } from "../../lib/me";
import type { Alert } from "../../lib/wire";
import { Dialog } from "../../ui/Dialog";
import { Button, Locked } from "../../ui/parts";
import { Empty, Loading, Refused } from "../../ui/States";
import { Text } from "../../ui/Text";
import { startable, useEdit, useStart } from "./api";

const VERDICTS = [
  ["true_positive", "True positive: it happened and it was bad"],
  ["benign", "Benign: it happened and it was meant"],
  ["false_positive", "False positive: it did not happen"],
] as const;

export function CloseDialog({
  ids,
  verdict: first = "benign",
  onClose,
}: {
  ids: readonly string[];
  verdict?: string;
  onClose: () => void;
}) {
  const edit = useEdit();
  const me = useMe();
  const [verdict, setVerdict] = useState(first);
  const [reason, setReason] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const what = ids.length === 1 ? "this alert" : `${ids.length} alerts`;
  const why = whyNot(me, "alert.edit");
  const submit = (e: FormEvent) => {
    e.preventDefault();
    edit.mutate({ ids, status: "closed", verdict, reason: reason.trim() }, { onSuccess: onClose });
  };
  return (
    <Dialog open onClose={onClose} focus={field} title={`Close ${what}`}>
      {why ? (
        <Locked>{why}</Locked>
      ) : (
        <form className="stack" onSubmit={submit}>
          <fieldset className="radios">
            <legend className="soft">What was it?</legend>
            {VERDICTS.map(([v, words]) => (
              <label key={v}>
                <input type="radio" name="verdict" checked={verdict === v} onChange={() => setVerdict(v)} />
                {words}
              </label>
            ))}
          </fieldset>
          <label className="labelled">
            <span className="t">Why it can be closed</span>
            <textarea
              ref={field}
              className="input"
              rows={3}
              required
              maxLength={2000}
              value={reason}
              onChange={(e) => setReason(e.target.value)}
            />
            <span className="hint">A repeat within the window opens it again.</span>
          </label>
          <Refused error={edit.error} />
          <div className="acts2">
            <Button type="submit" kind="main" size="big" disabled={edit.isPending}>
              Close {what}
            </Button>
            <Button size="big" kind="quiet" onClick={onClose}>
              Keep {ids.length === 1 ? "it" : "them"} open
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

export function StartDialog({ alert, onClose }: { alert: Pick<Alert, "id" | "title">; onClose: () => void }) {
  const list = useQuery(startable);
  const start = useStart();
  const me = useMe();
  const navigate = useNavigate();
  const why = whyNot(me, "run.start");
  const fit = (list.data?.items ?? []).filter((p) => p.manual);
  return (
    <Dialog
      open
      onClose={onClose}
      title={
        <>
          Run a playbook on “<Text>{alert.title}</Text>”
        </>
      }
    >
      {why ? (
        <Locked>{why}</Locked>
      ) : list.isPending ? (
        <Loading rows={4} />
      ) : fit.length === 0 ? (
        <Empty title="No playbook can be started by hand.">
          A playbook offers itself here when its triggers name <code>manual</code>.
        </Empty>
      ) : (
        <ul className="choices">
          {fit.map((p) => (
            <li key={p.name}>
              <div className="grow">
                <strong>
                  <Text>{p.title || p.name}</Text>
                </strong>
                <p className="muted meta">
                  <Text>{p.description ?? ""}</Text>
                </p>
              </div>
              {!p.alert_required && (p.inputs ?? []).some((i) => !i.optional && i.default === undefined) ? (
                <Link
                  className="btn"
                  to="/playbooks/$name"
                  params={{ name: p.name }}
                  search={{ alert: alert.id, run: "form" }}
                >
                  Fill its inputs
                </Link>
              ) : (
                <Button
                  disabled={start.isPending}
                  onClick={() =>
                    start.mutate(
                      { playbook: p.name, alert: alert.id },
                      { onSuccess: (id) => (id ? void navigate({ to: "/runs/$id", params: { id } }) : onClose()) },
                    )
                  }
                >
                  Run it
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      <Refused error={start.error} />
    </Dialog>
  );
}
