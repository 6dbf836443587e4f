// What rules now: the modules in force, their revision, and the files that were refused. Writing comes later.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Code } from "../../ui/Code";
import { Glyph } from "../../ui/Glyph";
import { Empty, Failure, Loading } from "../../ui/States";
import { Text } from "../../ui/Text";
import { policies } from "./api";

export function PoliciesScreen({ module }: { module: string | undefined }) {
  const q = useQuery(policies);
  const navigate = useNavigate();
  if (q.isPending) return <Loading rows={12} label="Loading the policies" />;
  if (!q.data) return <Failure what="The policies could not be read." error={q.error} retry={() => void q.refetch()} />;
  const { revision, modules, problems, disabled } = q.data;
  const bad = problems ?? [];
  const at = modules.find((m) => m.path === module) ?? modules[0];
  const off = disabled ?? [];
  return (
    <>
      <div className="head lined">
        <h1>Policies</h1>
        <span className="meta muted cut">
          revision <span className="mono">{revision.replace(/^sha256:/, "").slice(0, 12)}</span> · asked before every
          action · {modules.length} modules
        </span>
      </div>
      {bad.length > 0 && (
        <div className="notice" role="alert">
          <Glyph name="s-failed" className="failed" />
          <div>
            <strong>A change was refused; the last good revision stays in force.</strong>
            {bad.slice(0, 5).map((p) => (
              <div key={`${p.file}:${p.line}:${p.code}`}>
                <span className="mono meta">
                  {p.file}:{p.line}:{p.column}
                </span>{" "}
                <Text>{p.message}</Text> <span className="soft">{p.hint}</span>
              </div>
            ))}
          </div>
        </div>
      )}
      {off.length > 0 && (
        <div className="notice" role="status">
          <Glyph name="s-skipped" className="skipped" />
          <span>
            Switched off by name: <span className="mono">{off.join(", ")}</span>
          </span>
        </div>
      )}
      {modules.length === 0 ? (
        <Empty title="No module is loaded.">Then every action is denied.</Empty>
      ) : (
        <div className="split flat">
          <nav className="pick" aria-label="Modules">
            <h2>Modules</h2>
            <ul>
              {modules.map((m) => (
                <li key={m.path}>
                  <button
                    type="button"
                    className={`conn one${m === at ? " at" : ""}`}
                    aria-current={m === at ? "true" : undefined}
                    onClick={() => void navigate({ to: "/policies", search: { module: m.path }, replace: true })}
                  >
                    <span className="wrapword">{m.path}</span>
                    <span className="muted meta">{m.origin}</span>
                  </button>
                </li>
              ))}
            </ul>
          </nav>
          {at && (
            <Code
              text={at.source ?? ""}
              language="rego"
              label={at.path}
              problems={bad.filter((p) => p.file === at.path)}
            />
          )}
        </div>
      )}
    </>
  );
}
