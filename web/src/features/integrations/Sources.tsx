// The sources of alerts: where they are posted, how they are read, and who manages them.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useMe, whyNot } from "../../lib/me";
import { StateMark } from "../../ui/Glyph";
import { Button } from "../../ui/parts";
import { Scroll } from "../../ui/Scroll";
import { Empty, Failure, Loading, Refused } from "../../ui/States";
import { integrations, sourceByName, sources, useDeleteSource } from "./api";

const SourceForm = lazy(() => import("./SourceForm"));

export function Sources() {
  const q = useQuery(sources);
  if (q.isPending) return <Loading rows={4} label="Loading sources" />;
  if (!q.data) return <Failure what="The sources could not be read." error={q.error} retry={() => void q.refetch()} />;
  if (q.data.items.length === 0)
    return (
      <Empty title="No source takes alerts yet." act={<EditSource name={null}>New source</EditSource>}>
        Make a source here, or put a file <code>sources/NAME.yaml</code> into the workspace folder; alerts are then
        posted to <code>/hooks/NAME</code>.
      </Empty>
    );
  return (
    <Scroll label="Sources">
      <div className="newone">
        <EditSource name={null}>New source</EditSource>
      </div>
      <table className="list" aria-label="Sources">
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">Address</th>
            <th scope="col">Mapping</th>
            <th scope="col">Authentication</th>
            <th scope="col">Alerts</th>
            <th scope="col">Managed</th>
          </tr>
        </thead>
        <tbody>
          {q.data.items.map((s) => (
            <tr key={s.name}>
              <td>
                {s.disabled ? <StateMark state="skipped" words={`${s.name}, disabled`} /> : <strong>{s.name}</strong>}
              </td>
              <td className="mono">/hooks/{s.name}</td>
              <td className="soft">{s.mapping || "its own"}</td>
              <td className="soft">{s.auth}</td>
              <td>
                <Link className="plainlink" to="/alerts" search={{ source: s.name }}>
                  from {s.name}
                </Link>
              </td>
              <td>
                {s.managed_by ? (
                  <span className="mono meta">{s.managed_by}</span>
                ) : (
                  <span className="btns">
                    <EditSource name={s.name}>Change {s.name}</EditSource>
                    <DeleteSource name={s.name} version={s.version} />
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

/** Opens the form of a source, or of a new one. */
function EditSource({ name, children }: { name: string | null; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  const all = useQuery(integrations);
  const one = useQuery({ ...sourceByName(name ?? ""), enabled: open && name !== null });
  const why = whyNot(useMe(), "source.edit");
  if (why) return name ? null : <span className="meta muted">{why}</span>;
  const ready = all.data && (name === null || one.data);
  return (
    <>
      <Button size="small" {...(name ? {} : { icon: "i-plus" as const })} onClick={() => setOpen(true)}>
        {children}
      </Button>
      <Refused error={one.error} />
      {open && ready && (
        <Suspense fallback={null}>
          <SourceForm
            before={name === null ? null : (one.data ?? null)}
            integrations={all.data.items}
            onClose={() => setOpen(false)}
          />
        </Suspense>
      )}
    </>
  );
}

/** Two presses: the first one says what it means. */
function DeleteSource({ name, version }: { name: string; version: number }) {
  const [sure, setSure] = useState(false);
  const gone = useDeleteSource();
  if (whyNot(useMe(), "source.edit")) return null;
  return (
    <>
      {sure ? (
        <>
          <Button size="small" kind="main" disabled={gone.isPending} onClick={() => gone.mutate({ name, version })}>
            End its intake, keep its alerts
          </Button>
          <Button size="small" onClick={() => setSure(false)}>
            Keep it
          </Button>
        </>
      ) : (
        <Button size="small" kind="quiet" onClick={() => setSure(true)}>
          Delete {name}
        </Button>
      )}
      <Refused error={gone.error} />
    </>
  );
}
