// The inventory.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { problems } from "../../lib/queries";
import { Glyph, StateMark } from "../../ui/Glyph";
import { Scroll } from "../../ui/Scroll";
import { Empty, Failure, Loading } from "../../ui/States";
import { Text } from "../../ui/Text";
import { playbookList } from "./api";
import { originWords, shortVersion } from "./model";

export function PlaybooksScreen({ q }: { q: string | undefined }) {
  const list = useQuery(playbookList);
  const bad = useQuery(problems);
  const navigate = useNavigate();
  const all = list.data?.items ?? [];
  const items = all.filter(
    (p) => !q || [p.name, p.title ?? "", p.description ?? ""].join(" ").toLowerCase().includes(q.toLowerCase()),
  );
  const files = (bad.data?.items ?? []).filter((p) => p.severity === "error");
  return (
    <>
      <div className="head lined">
        <h1>Playbooks</h1>
        <span className="muted">{list.data ? all.length : ""}</span>
        <div className="btns">
          <label className="field filter">
            <Glyph name="i-search" />
            <span className="hid">Find a playbook</span>
            <input
              value={q ?? ""}
              placeholder="Find"
              spellCheck={false}
              onChange={(e) =>
                void navigate({ to: "/playbooks", search: { q: e.target.value || undefined }, replace: true })
              }
            />
          </label>
        </div>
      </div>
      {files.length > 0 && (
        <div className="notice" role="status">
          <Glyph name="s-failed" className="failed" />
          <span>
            <strong>
              {files.length === 1 ? "A file is broken" : `${files.length} mistakes in files`}; the last good version
              stays in force.
            </strong>{" "}
            <span className="mono meta">
              {files[0]?.file}:{files[0]?.line}
            </span>{" "}
            <Text>{files[0]?.message}</Text>
          </span>
        </div>
      )}
      {list.isPending ? (
        <Loading rows={8} label="Loading playbooks" />
      ) : !list.data ? (
        <Failure what="The playbooks could not be read." error={list.error} retry={() => void list.refetch()} />
      ) : items.length === 0 ? (
        q ? (
          <Empty
            title={`None of ${all.length} matches.`}
            act={
              <Link className="btn" to="/playbooks">
                Drop “{q}”
              </Link>
            }
          />
        ) : (
          <Empty title="There is no playbook yet.">
            Put one into the workspace folder as <code>playbooks/NAME.yaml</code>; the shipped ones appear with the demo
            range.
          </Empty>
        )
      ) : (
        <Scroll label="Playbooks">
          <table className="list books" aria-label="Playbooks">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Starts</th>
                <th scope="col">State</th>
                <th scope="col" className="desk">
                  Version
                </th>
                <th scope="col" className="desk">
                  From
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((p) => (
                <tr key={p.name}>
                  <td>
                    <Link className="rowlink2" to="/playbooks/$name" params={{ name: p.name }}>
                      <strong>
                        <Text>{p.title || p.name}</Text>
                      </strong>{" "}
                      <span className="mono muted">{p.name}</span>
                    </Link>
                  </td>
                  <td className="soft">
                    <Text>{(p.triggers ?? []).map((t) => t.kind).join(", ") || "by hand"}</Text>
                  </td>
                  <td>
                    {p.draft ? (
                      <StateMark
                        state="queued"
                        words={p.published ? "draft waits for a second person" : "draft, not in force"}
                      />
                    ) : (
                      <StateMark state="succeeded" words="in force" />
                    )}
                  </td>
                  <td className="mono muted desk">{shortVersion(p.version)}</td>
                  <td className="soft desk">{originWords(p)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </>
  );
}
