// People and their roles, and the tokens of programs.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useMe, whyNot } from "../../lib/me";
import type { Token, User } from "../../lib/wire";
import { StateMark } from "../../ui/Glyph";
import { Button, Copy, Locked, Tabs } from "../../ui/parts";
import { Scroll } from "../../ui/Scroll";
import { Empty, Failure, Loading, Refused } from "../../ui/States";
import { Text } from "../../ui/Text";
import { At } from "../../ui/Time";
import { TokenForm, UserForm } from "./AdminForms";
import { tokens, useEditUser, useMakeLink, useRevokeToken, users } from "./api";

export type AdminSearch = { tab?: "tokens" | undefined };

export function AdminScreen({ search }: { search: AdminSearch }) {
  const navigate = useNavigate();
  const why = whyNot(useMe(), "user.manage");
  const tab = search.tab ?? "people";
  return (
    <>
      <div className="head lined">
        <h1>Admin</h1>
        <Tabs
          label="admin"
          at={tab}
          onPick={(t) =>
            void navigate({ to: "/admin", search: t === "tokens" ? { tab: "tokens" } : {}, replace: true })
          }
          tabs={[
            { id: "people", label: "People" },
            { id: "tokens", label: "Tokens" },
          ]}
        />
      </div>
      {why ? <Locked>{why}</Locked> : tab === "people" ? <People /> : <Tokens />}
    </>
  );
}

function People() {
  const q = useQuery(users);
  const [form, setForm] = useState<User | "new" | null>(null);
  if (q.isPending) return <Loading rows={6} label="Loading people" />;
  if (!q.data) return <Failure what="The people could not be read." error={q.error} retry={() => void q.refetch()} />;
  return (
    <Scroll label="People">
      <div className="newone">
        <Button icon="i-plus" size="small" onClick={() => setForm("new")}>
          Add somebody
        </Button>
      </div>
      <table className="list" aria-label="People">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Roles</th>
            <th scope="col" className="desk">
              Teams
            </th>
            <th scope="col" className="desk">
              Last log-in
            </th>
            <th scope="col">Acts</th>
          </tr>
        </thead>
        <tbody>
          {q.data.items.map((u) => (
            <Row key={u.id} u={u} onEdit={() => setForm(u)} />
          ))}
        </tbody>
      </table>
      {form && <UserForm before={form === "new" ? null : form} onClose={() => setForm(null)} />}
    </Scroll>
  );
}

function Row({ u, onEdit }: { u: User; onEdit: () => void }) {
  const edit = useEditUser();
  const link = useMakeLink();
  return (
    <tr>
      <td>
        {u.disabled ? <StateMark state="skipped" words={`${u.name}, disabled`} /> : <strong>{u.name}</strong>}
        {u.kind === "service" && <span className="muted"> service</span>}
      </td>
      <td className="soft">{u.roles.join(", ") || "none"}</td>
      <td className="soft desk">{u.teams.join(", ")}</td>
      <td className="desk">
        <At at={u.last_login} />
      </td>
      <td>
        {u.managed_by ? (
          <span className="mono meta">{u.managed_by}</span>
        ) : (
          <span className="btns">
            <Button size="small" onClick={onEdit} aria-label={`Change ${u.name}`}>
              Change
            </Button>
            <Button
              size="small"
              aria-label={`${u.disabled ? "Enable" : "Disable"} ${u.name}`}
              disabled={edit.isPending}
              onClick={() => edit.mutate({ user: u, change: { disabled: !u.disabled } })}
            >
              {u.disabled ? "Enable" : "Disable"}
            </Button>
            {u.kind === "person" && !u.disabled && (
              <Button
                size="small"
                kind="quiet"
                aria-label={`Log-in link for ${u.name}`}
                disabled={link.isPending}
                onClick={() => link.mutate(u.name)}
              >
                Log-in link
              </Button>
            )}
          </span>
        )}
        {link.data && (
          <div className="frame said" role="status">
            <p className="soft">
              Good once, until <At at={link.data.expires_at} />. It lets whoever has it in as {u.name}.
            </p>
            <p className="mono wrapword">
              <Text>{link.data.url}</Text>
            </p>
            <Copy text={link.data.url} what="the link" />
          </div>
        )}
        <Refused error={edit.error ?? link.error} />
      </td>
    </tr>
  );
}

function Tokens() {
  const q = useQuery(tokens);
  const [form, setForm] = useState(false);
  if (q.isPending) return <Loading rows={6} label="Loading tokens" />;
  if (!q.data) return <Failure what="The tokens could not be read." error={q.error} retry={() => void q.refetch()} />;
  const add = (
    <Button icon="i-plus" size="small" onClick={() => setForm(true)}>
      New token
    </Button>
  );
  return (
    <Scroll label="Tokens">
      {q.data.items.length === 0 ? (
        <Empty title="No program has a token." act={add}>
          A token lets a program use the API as its owner, and never with more than the owner's roles.
        </Empty>
      ) : (
        <>
          <div className="newone">{add}</div>
          <table className="list" aria-label="Tokens">
            <thead>
              <tr>
                <th scope="col">Token</th>
                <th scope="col">Owner</th>
                <th scope="col">Good for</th>
                <th scope="col" className="desk">
                  Ends
                </th>
                <th scope="col" className="desk">
                  Last used
                </th>
                <th scope="col">Acts</th>
              </tr>
            </thead>
            <tbody>
              {q.data.items.map((t) => (
                <TokenRow key={t.id} t={t} />
              ))}
            </tbody>
          </table>
        </>
      )}
      {form && <TokenForm onClose={() => setForm(false)} />}
    </Scroll>
  );
}

function TokenRow({ t }: { t: Token }) {
  const revoke = useRevokeToken();
  const [sure, setSure] = useState(false);
  const submit = (e: FormEvent) => {
    e.preventDefault();
    revoke.mutate(t.id);
  };
  return (
    <tr>
      <td>
        <strong>
          <Text>{t.name}</Text>
        </strong>
      </td>
      <td className="soft">{t.owner_name}</td>
      <td className="soft">{t.scopes.join(", ")}</td>
      <td className="desk">{t.expires_at ? <At at={t.expires_at} /> : <span className="muted">never</span>}</td>
      <td className="desk">
        <At at={t.last_used} />
      </td>
      <td>
        {t.revoked_at ? (
          <span className="muted">
            revoked <At at={t.revoked_at} />
          </span>
        ) : sure ? (
          <form className="btns" onSubmit={submit}>
            <Button size="small" type="submit" kind="main" disabled={revoke.isPending}>
              Revoke for good
            </Button>
            <Button size="small" onClick={() => setSure(false)}>
              Keep it
            </Button>
          </form>
        ) : (
          <Button size="small" onClick={() => setSure(true)}>
            Revoke {t.name}
          </Button>
        )}
        <Refused error={revoke.error} />
      </td>
    </tr>
  );
}
