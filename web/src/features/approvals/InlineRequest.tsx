// The request that an undo opens, shown where the undo was asked for: confirming it is that person's own vote.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useMe } from "../../lib/me";
import { approvalById, approvals, runById } from "../../lib/queries";
import { useLive } from "../../lib/stream";
import type { Approval } from "../../lib/wire";
import { StateMark } from "../../ui/Glyph";
import { Button, Fact, Facts, Locked } from "../../ui/parts";
import { Refused } from "../../ui/States";
import { Target, Text } from "../../ui/Text";
import { At, Left } from "../../ui/Time";
import { useDecide } from "./api";
import { headline, standing, verbInside } from "./model";
import { Why } from "./parts";

/** Follows one run: its request while it waits, and what became of it. */
export function InlineRequest({ run }: { run: string }) {
  const asked = useQuery(approvals({ run, limit: 20 }));
  const state = useQuery(runById(run));
  const open = asked.data?.items.find((a) => a.status === "pending");
  const last = asked.data?.items[0];
  if (open) return <Ask id={open.id} key={open.id} />;
  const r = state.data;
  return (
    <div className="frame inline-ask">
      <p role="status">
        {!r || r.status === "queued" || r.status === "running" ? (
          <StateMark state="running" words={last ? "Confirmed. It is being undone." : "Asking the policy."} />
        ) : r.status === "waiting" ? (
          <StateMark state="queued" words={r.waiting?.[0]?.text || "It waits."} />
        ) : r.status === "succeeded" ? (
          <StateMark state="undone" words="Undone." />
        ) : (
          <StateMark state="failed" words={r.error?.message || "It was not undone."} />
        )}
      </p>
      <Link className="link meta" to="/runs/$id" params={{ id: run }}>
        See the run
      </Link>
    </div>
  );
}

function Ask({ id }: { id: string }) {
  const q = useQuery(approvalById(id));
  if (!q.data) return null;
  return <AskOne a={q.data} />;
}

function AskOne({ a }: { a: Approval }) {
  const me = useMe();
  const live = useLive();
  const decide = useDecide();
  const [sent, setSent] = useState(false);
  const h = headline(a);
  const stand = standing(a, me);
  const vote = (decision: "approve" | "deny") => {
    setSent(true);
    decide.mutate(
      { id: a.id, digest: a.digest, decision, comment: decision === "deny" ? "Kept in force" : "" },
      { onError: () => setSent(false) },
    );
  };
  return (
    <div className="frame inline-ask" role="group" aria-label="The policy asks you to confirm">
      <h3>The policy asks for a confirmation</h3>
      <p className="row">
        <strong>
          <Text>{h.verb}</Text>
        </strong>
        {h.targets.map((t) => (
          <Target key={t} value={t} />
        ))}
      </p>
      <Why a={a} />
      <Facts tight>
        <Fact label="Until">
          <At at={a.deadline} zone />, <Left until={a.deadline} /> left; silence is a no
        </Fact>
        <Fact label="Sent">
          <span className="mono meta wrap">
            {a.action} <Text>{JSON.stringify(a.params ?? {})}</Text>
          </span>
        </Fact>
      </Facts>
      <Refused error={decide.error} />
      {stand.may ? (
        <div className="btns">
          <Button kind="main" size="big" className="wraps" disabled={sent || !live.on} onClick={() => vote("approve")}>
            Confirm: {verbInside(h)} {h.targets.join(", ")}
          </Button>
          <Button size="big" disabled={sent || !live.on} onClick={() => vote("deny")}>
            Keep it in force
          </Button>
        </div>
      ) : (
        <Locked>{stand.why}</Locked>
      )}
      <Link className="link meta" to="/approvals/$id" params={{ id: a.id }}>
        Open the request
      </Link>
    </div>
  );
}
