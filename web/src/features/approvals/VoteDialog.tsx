// A vote with words: a denial always says why; an approval may.
import { type FormEvent, useRef, useState } from "react";
import { Dialog } from "../../ui/Dialog";
import { Button } from "../../ui/parts";
import { Text } from "../../ui/Text";

const REASONS = ["Wrong target", "False positive", "Not now", "Other"] as const;

type Props = { decision: "approve" | "deny"; what: string; onClose: () => void; onVote: (comment: string) => void };

export default function VoteDialog({ decision, what, onClose, onVote }: Props) {
  const [reason, setReason] = useState<(typeof REASONS)[number]>(REASONS[0]);
  const [text, setText] = useState("");
  const first = useRef<HTMLInputElement>(null);
  const note = useRef<HTMLTextAreaElement>(null);
  const deny = decision === "deny";
  const submit = (e: FormEvent) => {
    e.preventDefault();
    const said = text.trim();
    onVote(deny ? (reason === "Other" ? said : said ? `${reason}: ${said}` : reason) : said);
  };
  return (
    <Dialog
      open
      onClose={onClose}
      focus={deny ? first : note}
      title={
        <>
          {deny ? "Deny" : "Approve"}: <Text>{what}</Text>
        </>
      }
    >
      <form className="stack" onSubmit={submit}>
        {deny && (
          <fieldset className="radios">
            <legend className="soft">Why not?</legend>
            {REASONS.map((r, i) => (
              <label key={r}>
                <input
                  ref={i === 0 ? first : undefined}
                  type="radio"
                  name="reason"
                  checked={reason === r}
                  onChange={() => setReason(r)}
                />
                {r}
              </label>
            ))}
          </fieldset>
        )}
        <label className="labelled">
          <span className="t">{deny ? "In words" : "A comment"}</span>
          <textarea
            ref={note}
            className="input"
            rows={3}
            maxLength={2000}
            required={deny && reason === "Other"}
            value={text}
            onChange={(e) => setText(e.target.value)}
          />
          <span className="hint">Kept in the audit log; the run's people see it.</span>
        </label>
        <div className="acts2">
          <Button type="submit" kind={deny ? "plain" : "main"} size="big" className="wraps">
            {deny ? "Deny: nothing is sent" : `Approve: ${what}`}
          </Button>
          <Button size="big" kind="quiet" onClick={onClose}>
            Keep it waiting
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
