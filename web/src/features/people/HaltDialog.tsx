// The kill switch: no new side effect, reads go on. On by one person; off asks a second one.
import { type FormEvent, useRef, useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { Button } from "../../ui/parts";
import { Refused } from "../../ui/States";
import { useHalt } from "./api";

export default function HaltDialog({ on, onClose }: { on: boolean; onClose: () => void }) {
  const act = useHalt();
  const [reason, setReason] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    act.mutate({ on: !on, reason: reason.trim() }, { onSuccess: onClose });
  };
  return (
    <Dialog open onClose={onClose} focus={field} title={on ? "Ask to lift the halt" : "Halt all side effects"}>
      <form className="stack" onSubmit={submit}>
        <p className="soft">
          {on
            ? "A second person must agree. Then the runs that wait go on, each through the policy again."
            : "Within a second nothing new is sent to any other system. Reads go on; runs wait and nothing is lost."}
        </p>
        <label className="labelled">
          <span className="t">Why</span>
          <textarea
            ref={field}
            className="input"
            rows={3}
            required
            maxLength={2000}
            value={reason}
            onChange={(e) => setReason(e.target.value)}
          />
          <span className="hint">Kept in the audit log and shown to everybody.</span>
        </label>
        <Refused error={act.error} />
        <div className="acts2">
          <Button type="submit" kind="main" size="big" disabled={act.isPending}>
            {on ? "Ask to lift the halt" : "Halt all side effects"}
          </Button>
          <Button size="big" kind="quiet" onClick={onClose}>
            Leave it as it is
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
