// What Tocsin talks to. What does not work comes first.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useMe, whyNot } from "../../lib/me";
import { usePhone } from "../../lib/media";
import type { State } from "../../lib/states";
import type { Connection, Integration } from "../../lib/wire";
import { StateGlyph, StateMark } from "../../ui/Glyph";
import { Button, Fact, Facts, Section, Tabs } from "../../ui/parts";
import { Scroll } from "../../ui/Scroll";
import { Empty, Failure, Loading, Refused } from "../../ui/States";
import { Text } from "../../ui/Text";
import { At } from "../../ui/Time";
import { connections, integrations, sources, useTestCall } from "./api";
import { Manage, NewConnection } from "./Manage";
import { Sources } from "./Sources";

export type IntegrationsSearch = { tab?: "catalogue" | "sources" | undefined; at?: string | undefined };

const STATE: Record<string, State> = { ok: "succeeded", degraded: "retrying", failing: "failed", disabled: "skipped" };
const stateOf = (c: Connection): State => STATE[c.status] ?? "not-started";
const WORDS: Record<string, string> = {
  ok: "works",
  degraded: "works with trouble",
  failing: "does not work",
  disabled: "disabled",
};
const wordsOf = (c: Connection): string => WORDS[c.status] ?? "not tried yet";

export function IntegrationsScreen({ search }: { search: IntegrationsSearch }) {
  const navigate = useNavigate();
  const own = useQuery(connections);
  const all = useQuery(integrations);
  const from = useQuery(sources);
  const tab = search.tab ?? "connections";
  const go = (s: IntegrationsSearch) => void navigate({ to: "/integrations", search: s, replace: true });
  return (
    <>
      <div className="head lined">
        <h1>Integrations</h1>
        <Tabs
          label="integrations"
          at={tab}
          onPick={(t) => go({ tab: t === "connections" ? undefined : (t as "catalogue" | "sources") })}
          tabs={[
            { id: "connections", label: "Connections", n: own.data?.items.length },
            { id: "catalogue", label: "Catalogue", n: all.data?.items.length },
            { id: "sources", label: "Sources", n: from.data?.items.length },
          ]}
        />
      </div>
      {tab === "connections" && <Connections at={search.at} onAt={(at) => go({ at })} />}
      {tab === "catalogue" && <Catalogue />}
      {tab === "sources" && <Sources />}
    </>
  );
}

function Connections({ at, onAt }: { at: string | undefined; onAt: (name: string) => void }) {
  const q = useQuery(connections);
  const phone = usePhone();
  if (q.isPending) return <Loading rows={8} label="Loading connections" />;
  if (!q.data)
    return <Failure what="The connections could not be read." error={q.error} retry={() => void q.refetch()} />;
  const items = q.data.items;
  if (items.length === 0)
    return (
      <Empty title="Nothing is connected yet." act={<NewConnection onDone={onAt} />}>
        Make a connection here, or put a file <code>connections/NAME.yaml</code> into the workspace folder.
      </Empty>
    );
  const bad = items.filter((c) => c.status === "failing" || c.status === "degraded");
  const good = items.filter((c) => !bad.includes(c));
  const one = items.find((c) => c.name === at) ?? (phone ? undefined : (bad[0] ?? good[0]));
  const group = (title: string, xs: readonly Connection[]) =>
    xs.length > 0 && (
      <section key={title}>
        <h2>
          {title} · {xs.length}
        </h2>
        <ul>
          {xs.map((c) => (
            <li key={c.name}>
              <button
                type="button"
                className={`conn${c.name === one?.name ? " at" : ""}`}
                aria-current={c.name === one?.name ? "true" : undefined}
                onClick={() => onAt(c.name)}
              >
                <StateGlyph state={stateOf(c)} />
                <strong className="cut">{c.name}</strong>
                <span className="muted cut">{c.integration}</span>
                <span className="muted meta r">{wordsOf(c)}</span>
              </button>
            </li>
          ))}
        </ul>
      </section>
    );
  return (
    <div className="split flat">
      <nav className="pick" aria-label="Connections">
        <div className="newone">
          <NewConnection onDone={onAt} />
        </div>
        {group("Need care", bad)}
        {group("Connected", good)}
      </nav>
      {one && <OneConnection c={one} key={one.name} />}
    </div>
  );
}

function OneConnection({ c }: { c: Connection }) {
  const me = useMe();
  const test = useTestCall();
  const why = whyNot(me, "connection.manage") && whyNot(me, "action.try");
  const used = c.used_by ?? [];
  return (
    <article className="card" aria-label={c.name}>
      <div className="in">
        <div className="row cardhead">
          <h2 className="hl">{c.name}</h2>
          <span className="muted">
            {c.integration} · {c.environment || "no environment"}
          </span>
          <span className="grow" />
          {why ? (
            <span className="meta muted">{why}</span>
          ) : (
            <Button disabled={test.isPending} onClick={() => test.mutate(c.name)}>
              {test.isPending ? "Calling" : "Test call"}
            </Button>
          )}
        </div>
        <Refused error={test.error} />
        {test.data && (
          <div className="frame said" role="status">
            <StateMark
              state={test.data.ok ? "succeeded" : "failed"}
              words={test.data.ok ? "It answered." : "It did not work."}
              strong
            />{" "}
            <Text>{test.data.message}</Text> <span className="muted num">{test.data.took_ms} ms</span>
          </div>
        )}
        {!test.data && c.last_error && (
          <div className="frame said">
            <StateMark state={stateOf(c)} words={wordsOf(c)} strong />
            <p className="wrapword">
              <Text>{c.last_error}</Text>
            </p>
          </div>
        )}
        <Manage c={c} />
        <div className="duo">
          <Section title="How it is reached">
            <Facts tight>
              <Fact label="State">
                <StateMark state={stateOf(c)} words={wordsOf(c)} />
              </Fact>
              <Fact label="Address">
                <span className="mono meta">
                  <Text>{c.base_url}</Text>
                </span>
              </Fact>
              <Fact label="Secret">
                {c.auth
                  ? c.auth.type === "none"
                    ? "none"
                    : `${c.auth.type}: ${(c.auth.set ?? []).join(", ") || "nothing"} set, never shown`
                  : "never shown"}
              </Fact>
              <Fact label="Rate">
                {c.rate?.per_second ? `${c.rate.per_second} a second, bursts of ${c.rate.burst}` : "no limit of ours"}
              </Fact>
              {c.breaker && c.breaker !== "closed" && (
                <Fact label="Breaker">
                  {c.breaker === "open" ? "open: steps wait, nothing is sent" : "half open: one call tries"}
                </Fact>
              )}
              {c.checked_at && (
                <Fact label="Checked">
                  <At at={c.checked_at} />
                </Fact>
              )}
              {c.managed_by && (
                <Fact label="From">
                  <span className="mono meta">{c.managed_by}</span>
                </Fact>
              )}
            </Facts>
          </Section>
          <Section
            title="Where it is used"
            remark={
              used.length > 0
                ? `disabling stops ${used.length} ${used.length === 1 ? "playbook" : "playbooks"}`
                : undefined
            }
          >
            {used.length === 0 ? (
              <p className="soft pad0">No playbook uses it.</p>
            ) : (
              <ul className="plainlist tight">
                {used.map((p) => (
                  <li key={p}>
                    <Link className="plainlink" to="/playbooks/$name" params={{ name: p }}>
                      {p}
                    </Link>
                  </li>
                ))}
              </ul>
            )}
          </Section>
        </div>
      </div>
    </article>
  );
}

const TESTED: Record<string, string> = {
  server: "tested against a real server",
  published: "tested with published replies",
  documented: "tested with documented examples",
};

function Catalogue() {
  const q = useQuery(integrations);
  if (q.isPending) return <Loading rows={8} label="Loading the catalogue" />;
  if (!q.data)
    return <Failure what="The catalogue could not be read." error={q.error} retry={() => void q.refetch()} />;
  return (
    <Scroll label="Catalogue" className="scroll pad">
      {q.data.items.map((i) => (
        <OneIntegration key={i.id} i={i} />
      ))}
    </Scroll>
  );
}

function OneIntegration({ i }: { i: Integration }) {
  const actions = i.actions ?? [];
  return (
    <details className="integ">
      <summary>
        <strong>{i.name}</strong> <span className="mono muted">{i.id}</span>
        <span className="muted">{i.category}</span>
        <span className="grow" />
        <span className="muted meta">{TESTED[i.tested] ?? i.tested}</span>
        <span className="num">{actions.length} actions</span>
      </summary>
      <table className="list flush" aria-label={`Actions of ${i.name}`}>
        <tbody>
          {actions.map((a) => (
            <tr key={a.id}>
              <td className="mono">
                {i.id}.{a.id}
              </td>
              <td>
                {a.impact} {a.impact !== "read" && <i className="hatch" title="changes other systems" />}
              </td>
              <td className="soft">
                {a.inverse ? `undone by ${a.inverse}` : a.irreversible ? "cannot be undone" : ""}
              </td>
              <td className="mono muted">{a.capability ?? ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
