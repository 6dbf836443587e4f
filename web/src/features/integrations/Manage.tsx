// What an engineer may do to connections: make, change, switch, delete.
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState } from "react";
import { useMe, whyNot } from "../../lib/me";
import type { Connection } from "../../lib/wire";
import { Button } from "../../ui/parts";
import { Refused } from "../../ui/States";
import { integrations, useDeleteConnection, useSaveConnection } from "./api";
import { switched } from "./model";

const ConnectionForm = lazy(() => import("./ConnectionForm"));

export function NewConnection({ onDone }: { onDone: (name: string) => void }) {
  const [open, setOpen] = useState(false);
  const all = useQuery(integrations);
  const why = whyNot(useMe(), "connection.manage");
  if (why) return <span className="meta muted">{why}</span>;
  return (
    <>
      <Button icon="i-plus" size="small" disabled={!all.data} onClick={() => setOpen(true)}>
        New connection
      </Button>
      {open && all.data && (
        <Suspense fallback={null}>
          <ConnectionForm
            before={null}
            integrations={all.data.items}
            onClose={() => setOpen(false)}
            onDone={(name) => {
              setOpen(false);
              onDone(name);
            }}
          />
        </Suspense>
      )}
    </>
  );
}

/** What an engineer may do to a connection; what a file brings is changed there. */
export function Manage({ c }: { c: Connection }) {
  const [open, setOpen] = useState<"" | "form" | "delete">("");
  const all = useQuery(integrations);
  const save = useSaveConnection();
  const gone = useDeleteConnection();
  if (whyNot(useMe(), "connection.manage")) return null;
  if (c.managed_by || c.version === 0)
    return (
      <p className="soft pad0">
        {c.managed_by ? (
          <>
            It is managed by the file <span className="mono">{c.managed_by}</span>; change it there.
          </>
        ) : (
          "It belongs to the product itself and needs no settings."
        )}
      </p>
    );
  const used = c.used_by ?? [];
  return (
    <>
      <div className="btns">
        <Button disabled={!all.data} onClick={() => setOpen("form")}>
          Change {c.name}
        </Button>
        <Button
          disabled={save.isPending}
          onClick={() => save.mutate({ wish: switched(c, !c.disabled), version: c.version })}
        >
          {c.disabled ? `Enable ${c.name}` : `Disable ${c.name}`}
        </Button>
        <Button kind="quiet" onClick={() => setOpen(open === "delete" ? "" : "delete")}>
          Delete {c.name}
        </Button>
      </div>
      {!c.disabled && used.length > 0 && (
        <p className="meta muted">
          Disabled, its steps wait; undo and release still work. {used.length}{" "}
          {used.length === 1 ? "playbook uses" : "playbooks use"} it.
        </p>
      )}
      <Refused error={save.error} />
      {open === "delete" && (
        <div className="frame said">
          <p>Its secret is gone for good then. Where a playbook, a run or an effect needs it, the server refuses.</p>
          <div className="btns">
            <Button
              kind="main"
              disabled={gone.isPending}
              onClick={() => gone.mutate({ name: c.name, version: c.version })}
            >
              Yes, delete {c.name}
            </Button>
            <Button onClick={() => setOpen("")}>Keep it</Button>
          </div>
          <Refused error={gone.error} />
        </div>
      )}
      {open === "form" && all.data && (
        <Suspense fallback={null}>
          <ConnectionForm
            before={c}
            integrations={all.data.items}
            onClose={() => setOpen("")}
            onDone={() => setOpen("")}
          />
        </Suspense>
      )}
    </>
  );
}
