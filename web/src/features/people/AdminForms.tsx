// Forms for people and tokens.
import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import type { User } from "../../lib/wire";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Form";
import { Button, Copy } from "../../ui/parts";
import { Refused } from "../../ui/States";
import { useAddToken, useAddUser, useEditUser, users } from "./api";

const ROLES = ["viewer", "analyst", "responder", "engineer", "lead", "auditor", "admin"];
const SCOPES = ["read", "write", "operate", "decide", "admin", "metrics"];

const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

/** Several of a few words. */
function Several({
  legend,
  all,
  picked,
  onPick,
}: {
  legend: string;
  all: readonly string[];
  picked: readonly string[];
  onPick: (p: string[]) => void;
}) {
  return (
    <fieldset className="several">
      <legend className="t">{legend}</legend>
      <div className="row wrapflex">
        {all.map((w) => (
          <label key={w} className="row six">
            <input
              type="checkbox"
              checked={picked.includes(w)}
              onChange={(e) => onPick(e.target.checked ? [...picked, w] : picked.filter((x) => x !== w))}
            />
            {w}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function UserForm({ before, onClose }: { before: User | null; onClose: () => void }) {
  const add = useAddUser();
  const edit = useEditUser();
  const [name, setName] = useState("");
  const [email, setEmail] = useState(before?.email ?? "");
  const [kind, setKind] = useState("person");
  const [roles, setRoles] = useState<string[]>(before?.roles ?? ["analyst"]);
  const [teams, setTeams] = useState((before?.teams ?? []).join(", "));
  const submit = (e: FormEvent) => {
    e.preventDefault();
    const done = { onSuccess: onClose };
    if (before) edit.mutate({ user: before, change: { email: email.trim(), roles, teams: words(teams) } }, done);
    else add.mutate({ name: name.trim(), email: email.trim(), kind, roles, teams: words(teams) }, done);
  };
  return (
    <Dialog open onClose={onClose} title={before ? `Change ${before.name}` : "Add somebody"}>
      <form className="stack" onSubmit={submit}>
        {!before && (
          <>
            <Field label="Log-in name" hint="Small letters, digits and single . _ - between them.">
              {(p) => (
                <input {...p} className="input" required value={name} onChange={(e) => setName(e.target.value)} />
              )}
            </Field>
            <Field label="Kind">
              {(p) => (
                <select {...p} className="input" value={kind} onChange={(e) => setKind(e.target.value)}>
                  <option value="person">a person</option>
                  <option value="service">a service account: it never votes</option>
                </select>
              )}
            </Field>
          </>
        )}
        <Field label="Mail address">
          {(p) => (
            <input {...p} className="input" type="email" value={email} onChange={(e) => setEmail(e.target.value)} />
          )}
        </Field>
        <Several legend="Roles; none implies another" all={ROLES} picked={roles} onPick={setRoles} />
        <Field label="Teams">
          {(p) => <input {...p} className="input" value={teams} onChange={(e) => setTeams(e.target.value)} />}
        </Field>
        <Refused error={add.error ?? edit.error} />
        <div className="acts2">
          <Button type="submit" kind="main" size="big" disabled={add.isPending || edit.isPending}>
            {before ? `Save ${before.name}` : "Add the account"}
          </Button>
          <Button size="big" kind="quiet" onClick={onClose}>
            Leave it as it is
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function TokenForm({ onClose }: { onClose: () => void }) {
  const add = useAddToken();
  const people = useQuery(users);
  const [name, setName] = useState("");
  const [owner, setOwner] = useState("");
  const [days, setDays] = useState("90");
  const [scopes, setScopes] = useState<string[]>(["read"]);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    const end = days === "" ? {} : { expires_at: new Date(Date.now() + Number(days) * 86_400_000).toISOString() };
    add.mutate({ name: name.trim(), owner, scopes, ...end });
  };
  if (add.data)
    return (
      <Dialog open onClose={onClose} title={`The token ${name.trim()}`}>
        <div className="stack">
          <p className="soft">It is shown this once and never again.</p>
          <p className="frame mono wrapword">{add.data.token}</p>
          <div className="acts2">
            <Copy text={add.data.token} what="the token" />
            <Button kind="main" size="big" onClick={onClose}>
              The program has it
            </Button>
          </div>
        </div>
      </Dialog>
    );
  return (
    <Dialog open onClose={onClose} title="New token">
      <form className="stack" onSubmit={submit}>
        <Field label="What it is for">
          {(p) => <input {...p} className="input" required value={name} onChange={(e) => setName(e.target.value)} />}
        </Field>
        <Field label="Owner" hint="It may never do more than its owner.">
          {(p) => (
            <select {...p} className="input" value={owner} onChange={(e) => setOwner(e.target.value)}>
              <option value="">you</option>
              {(people.data?.items ?? [])
                .filter((u) => !u.disabled)
                .map((u) => (
                  <option key={u.id} value={u.name}>
                    {u.name}
                  </option>
                ))}
            </select>
          )}
        </Field>
        <Several legend="Good for" all={SCOPES} picked={scopes} onPick={setScopes} />
        <Field label="Ends">
          {(p) => (
            <select {...p} className="input" value={days} onChange={(e) => setDays(e.target.value)}>
              <option value="7">in a week</option>
              <option value="90">in 90 days</option>
              <option value="365">in a year</option>
              <option value="">never</option>
            </select>
          )}
        </Field>
        <Refused error={add.error} />
        <div className="acts2">
          <Button type="submit" kind="main" size="big" disabled={add.isPending || scopes.length === 0}>
            Make the token
          </Button>
          <Button size="big" kind="quiet" onClick={onClose}>
            Make none
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
