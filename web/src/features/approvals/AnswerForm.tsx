// The form of a question.
import { type FormEvent, useState } from "react";
import { FormFields, fieldsOf, typed } from "../../ui/Form";
import { Button } from "../../ui/parts";

export function AnswerForm({
  form,
  busy,
  onAnswer,
}: {
  form: Record<string, unknown> | null | undefined;
  busy: boolean;
  onAnswer: (a: Record<string, unknown>) => void;
}) {
  const fields = fieldsOf(form);
  const [raw, setRaw] = useState<Record<string, string>>({});
  const submit = (e: FormEvent) => {
    e.preventDefault();
    const first = Object.fromEntries(
      Object.entries(fields).flatMap(([k, f]) => (f.default === undefined ? [] : [[k, String(f.default)]])),
    );
    onAnswer(typed(fields, { ...first, ...raw }));
  };
  return (
    <form className="stack answerform" onSubmit={submit}>
      <FormFields fields={fields} values={raw} onChange={(name, v) => setRaw((r) => ({ ...r, [name]: v }))} />
      <div className="btns">
        <Button type="submit" kind="main" size="big" disabled={busy}>
          Send this answer
        </Button>
      </div>
    </form>
  );
}
