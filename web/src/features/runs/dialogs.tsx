// Acts on a run. Each says what will happen, to what, and what stays.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useRef, useState } from "react";
import { effects } from "../../lib/queries";
import type { Run, Step } from "../../lib/wire";
import { Dialog } from "../../ui/Dialog";
import { Button } from "../../ui/parts";
import { Loading, Refused } from "../../ui/States";
import { Target, Text } from "../../ui/Text";
import { useCancel, useResolve, useUndoRun } from "./api";
import { stepName } from "./model";

export function CancelDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const act = useCancel();
  const [force, setForce] = useState(false);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    act.mutate({ id: run.id, force }, { onSuccess: onClose });
  };
  return (
    <Dialog open onClose={onClose} title={`Cancel this run of ${run.playbook || "one action"}`}>
      <form className="stack" onSubmit={submit}>
        <p className="soft">
          No further step begins. What is under way is waited for. What it put in force stays, unless the playbook says
          to undo it.
        </p>
        <label className="row">
          <input type="checkbox" className="box" checked={force} onChange={(e) => setForce(e.target.checked)} />
          Also stop its clean-up; effects stay in the ledger
        </label>
        <Refused error={act.error} />
        <div className="acts2">
          <Button type="submit" kind="main" size="big" disabled={act.isPending}>
            Cancel the run
          </Button>
          <Button size="big" kind="quiet" onClick={onClose}>
            Let it go on
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function UndoRunDialog({ run, onClose }: { run: Run; onClose: () => void }) {
  const act = useUndoRun();
  const navigate = useNavigate();
  const q = useQuery(effects({ run: run.id }));
  const [reason, setReason] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const on = (q.data?.items ?? []).filter((e) => e.status !== "undone" && e.status !== "undoing");
  const submit = (e: FormEvent) => {
    e.preventDefault();
    act.mutate(
      { id: run.id, reason: reason.trim() },
      { onSuccess: () => void navigate({ to: "/effects", search: { run: run.id } }) },
    );
  };
  return (
    <Dialog open onClose={onClose} focus={field} title="Undo what this run has in force">
      {q.isPending ? (
        <Loading rows={3} />
      ) : on.length === 0 ? (
        <p className="soft">Nothing of this run is in force.</p>
      ) : (
        <form className="stack" onSubmit={submit}>
          <p className="soft">
            Latest first, each through the policy, which may ask for a confirmation. Nothing has been sent yet.
          </p>
          <ul className="plainlist tight">
            {on.map((e) => (
              <li key={e.id} className="row">
                <span className="mono meta">{e.inverse.action}</span>
                {(e.targets ?? []).map((t) => (
                  <Target key={t.value} value={t.value} />
                ))}
              </li>
            ))}
          </ul>
          <label className="labelled">
            <span className="t">Why</span>
            <textarea
              ref={field}
              className="input"
              rows={2}
              required
              maxLength={2000}
              value={reason}
              onChange={(e) => setReason(e.target.value)}
            />
          </label>
          <Refused error={act.error} />
          <div className="acts2">
            <Button type="submit" kind="main" size="big" disabled={act.isPending}>
              Ask to undo {on.length === 1 ? "it" : `these ${on.length}`}
            </Button>
            <Button size="big" kind="quiet" onClick={onClose}>
              Keep {on.length === 1 ? "it" : "them"}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

const AS = [
  ["done", "It happened", "The step goes on as succeeded, with the output below."],
  ["failed", "It did not happen", "The step fails; the playbook's error path follows."],
  ["retry", "It did not happen; send it again", "A new attempt, through the policy."],
] as const;

export function ResolveDialog({ run, step, onClose }: { run: Run; step: Step; onClose: () => void }) {
  const act = useResolve();
  const [as, setAs] = useState<"done" | "failed" | "retry">("failed");
  const [reason, setReason] = useState("");
  const [output, setOutput] = useState("{}");
  const [wrong, setWrong] = useState("");
  const submit = (e: FormEvent) => {
    e.preventDefault();
    let value: unknown;
    if (as === "done") {
      try {
        value = JSON.parse(output);
      } catch {
        return setWrong("The output is not JSON.");
      }
    }
    setWrong("");
    act.mutate(
      { id: run.id, step: step.path, as, reason: reason.trim(), ...(as === "done" ? { output: value } : {}) },
      { onSuccess: onClose },
    );
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={
        <>
          What happened to “<Text>{stepName(step)}</Text>”?
        </>
      }
    >
      <form className="stack" onSubmit={submit}>
        <p className="soft">Look at the other system first. Your word is kept in the journal and the audit log.</p>
        <fieldset className="radios">
          <legend className="hid">What happened</legend>
          {AS.map(([v, words, then]) => (
            <label key={v}>
              <input type="radio" name="as" checked={as === v} onChange={() => setAs(v)} />
              <span>
                {words} <span className="muted meta">{then}</span>
              </span>
            </label>
          ))}
        </fieldset>
        {as === "done" && (
          <label className="labelled">
            <span className="t">Its output, as JSON</span>
            <textarea
              className="input mono"
              rows={4}
              spellCheck={false}
              value={output}
              onChange={(e) => setOutput(e.target.value)}
            />
          </label>
        )}
        <label className="labelled">
          <span className="t">How you know</span>
          <textarea
            className="input"
            rows={2}
            required
            maxLength={2000}
            value={reason}
            onChange={(e) => setReason(e.target.value)}
          />
        </label>
        {wrong && (
          <p role="alert" className="refused">
            {wrong}
          </p>
        )}
        <Refused error={act.error} />
        <div className="acts2">
          <Button type="submit" kind="main" size="big" disabled={act.isPending}>
            {AS.find(([v]) => v === as)?.[1]}
          </Button>
          <Link className="btn big quiet" to="/audit" search={{ run: run.id }}>
            See the audit log
          </Link>
        </div>
      </form>
    </Dialog>
  );
}
