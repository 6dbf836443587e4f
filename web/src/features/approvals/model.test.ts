import { describe, expect, test } from "vitest";
import type { Alert, Approval, Me, Run, Step } from "../../lib/wire";
import {
  balance,
  blast,
  byDue,
  dueAt,
  ended,
  evidence,
  headline,
  held,
  matches,
  missing,
  moreTime,
  silence,
  slots,
  standing,
  summary,
  undoWords,
  verdictOf,
  warning,
  whoWords,
} from "./model";

const now = Date.parse("2026-11-23T02:14:07Z");
const inSeconds = (s: number): string => new Date(now + s * 1000).toISOString();

const me: Me = {
  kind: "user",
  id: "usr_1",
  name: "jana.novak",
  roles: ["responder"],
  teams: ["soc"],
  scopes: [],
  verbs: [],
  server: { version: "", instance: "", demo_url: "", halted: false, quarantine: false, now: "" },
};

const need = (who: string[], quorum = 1, not: string[] = [], met = false) => ({
  rule: "r",
  reason: "because",
  who,
  quorum,
  not,
  met,
});
const vote = (by: string, decision = "approve", counts = true) => ({
  by,
  decision,
  at: inSeconds(-60),
  comment: "",
  counts,
  why_not: "",
});

const request = (o: Partial<Approval> = {}): Approval => ({
  id: "apr_1",
  kind: "action",
  status: "pending",
  digest: "sha256:1",
  preimage: "",
  run: "run_1",
  step: "isolate",
  occurrence: 1,
  action: "edr.isolate_host",
  impact: "contain",
  connection: "edr",
  params: {},
  targets: [{ kind: "host", value: "FIN-LT-0231", tags: [], owner: "" }],
  reasons: [],
  required: [need(["role:responder"])],
  votes: [],
  escalated: [],
  called_at: null,
  deadline: inSeconds(600),
  otherwise: null,
  held_until: null,
  inverse: { action: "edr.release_host", params: {} },
  lease_seconds: 28_800,
  form: null,
  title: "Please click yes",
  alert: "",
  playbook: "malware-isolate",
  why: "",
  created_at: inSeconds(-200),
  decided_at: null,
  requirements: [],
  answer: null,
  extended: false,
  used_up: false,
  valid_until: null,
  starter: "petr.svoboda",
  author: "henrik.wirth",
  revision: "",
  ...o,
});

describe("headline", () => {
  test("is built from the action and its targets, never from free text", () => {
    expect(headline(request())).toEqual({ verb: "Isolate host", targets: ["FIN-LT-0231"], free: false });
  });
  test("of a question is its text, because there is nothing else", () => {
    expect(headline(request({ kind: "question", action: "", title: "Is it planned?", targets: [] }))).toEqual({
      verb: "Is it planned?",
      targets: [],
      free: true,
    });
  });
});

describe("blast radius", () => {
  test.each<[string, Partial<Approval>, "low" | "medium" | "high"]>([
    ["a contain action on a plain host", {}, "medium"],
    ["one on a critical asset", { targets: [{ kind: "host", value: "x", tags: ["Tier-1"], owner: "" }] }, "high"],
    ["one that cannot be undone", { inverse: null }, "high"],
    [
      "one on six targets",
      { targets: Array.from({ length: 6 }, (_, i) => ({ kind: "host", value: `h${i}`, tags: [], owner: "" })) },
      "high",
    ],
    [
      "a release, also of a critical asset",
      { impact: "release", targets: [{ kind: "host", value: "x", tags: ["critical"], owner: "" }] },
      "low",
    ],
    ["a write", { impact: "write" }, "low"],
    ["a question", { kind: "question", impact: "" }, "low"],
    ["an approval block, of which the rest is not shown", { kind: "approval", impact: "" }, "medium"],
    ["lifting the halt", { kind: "halt", impact: "" }, "medium"],
  ])("%s", (_name, o, want) => {
    expect(blast(request(o)).level).toBe(want);
  });
});

describe("slots", () => {
  test.each<[string, Partial<Approval>, { given: number; needed: number }]>([
    ["nobody yet", {}, { given: 0, needed: 1 }],
    ["one of two", { required: [need(["role:responder"], 2)], votes: [vote("petr")] }, { given: 1, needed: 2 }],
    [
      "a vote that does not count",
      { required: [need(["role:responder"], 2)], votes: [vote("petr", "approve", false)] },
      { given: 0, needed: 2 },
    ],
    [
      "a denial is no yes",
      { required: [need(["role:responder"], 2)], votes: [vote("petr", "deny")] },
      { given: 0, needed: 2 },
    ],
    [
      "all met",
      { required: [need(["role:responder"], 2, [], true)], votes: [vote("a"), vote("b")] },
      { given: 2, needed: 2 },
    ],
    [
      "never full while something is open",
      { required: [need(["role:responder"], 1), need(["role:lead"], 1)], votes: [vote("a"), vote("b"), vote("c")] },
      { given: 1, needed: 2 },
    ],
  ])("%s", (_name, o, want) => {
    expect(slots(request(o))).toEqual(want);
  });
});

describe("standing", () => {
  test.each<[string, Partial<Approval>, Partial<Me>, boolean]>([
    ["holds the role", {}, {}, true],
    ["lacks the role", {}, { roles: ["viewer"] }, false],
    ["is in the team", { required: [need(["team:soc"])] }, { roles: [] }, true],
    ["is named, whatever the letters' case", { required: [need(["user:Jana.Novak"])] }, { roles: [] }, true],
    ["started the run", { starter: "JANA.NOVAK", required: [need(["role:responder"], 1, ["starter"])] }, {}, false],
    ["started the run, but may be the one (release)", { starter: "jana.novak" }, {}, true],
    ["wrote the playbook", { author: "jana.novak", required: [need(["role:responder"], 1, ["author"])] }, {}, false],
    ["is excluded by name", { required: [need(["role:responder"], 1, ["user:jana.novak"])] }, {}, false],
    ["voted already", { required: [need(["role:responder"], 2)], votes: [vote("jana.novak")] }, {}, false],
    ["is not needed any more", { required: [need(["role:responder"], 1, [], true)] }, {}, false],
    [
      "is excluded from one requirement and fits another",
      { starter: "jana.novak", required: [need(["role:responder"], 1, ["starter"]), need(["team:soc"])] },
      {},
      true,
    ],
  ])("somebody who %s", (_name, o, who, may) => {
    expect(standing(request(o), { ...me, ...who }).may).toBe(may);
  });

  test("says whether the vote decides", () => {
    const two = request({ required: [need(["role:responder"], 2)] });
    expect(standing(two, me)).toEqual({ may: true, decides: false, after: 1 });
    expect(standing({ ...two, votes: [vote("petr")] }, me)).toEqual({ may: true, decides: true, after: 0 });
  });

  test("says why not, and who can", () => {
    const s = standing(request({ starter: "jana.novak", required: [need(["role:responder"], 1, ["starter"])] }), me);
    expect(s).toEqual({ may: false, why: "You started this run, so you cannot approve it. A responder can." });
  });
});

describe("silence", () => {
  test("of an action is a no", () => {
    expect(silence(request(), now)).toEqual({ at: inSeconds(600), text: "Then it counts as no, and nothing is sent." });
  });
  test("of a question with a default is that answer", () => {
    expect(silence(request({ kind: "question", otherwise: { planned: "unsure" } }), now).text).toBe(
      "Then the answer is planned: unsure.",
    );
  });
  const escalating = request({
    requirements: [
      {
        rule: "r",
        reason: "",
        who: [],
        quorum: 1,
        not: [],
        within: "30m",
        extend: "10m",
        hold: "8s",
        valid_for: "15m",
        escalate: [{ after: "5m", who: ["role:lead"] }],
      },
    ],
  });
  test("first asks more people where the policy says so", () => {
    expect(silence(escalating, now)).toEqual({ at: inSeconds(100), text: "Then it also goes to a lead." });
  });
  test("after that, the deadline", () => {
    expect(silence(escalating, now + 101_000).at).toBe(inSeconds(600));
  });
  test("what presses first stands first", () => {
    const later = request({ id: "apr_2", deadline: inSeconds(300) });
    expect(byDue([later, { ...escalating, id: "apr_3" }], now).map((a) => a.id)).toEqual(["apr_3", "apr_2"]);
    expect(dueAt(later, now)).toBe(inSeconds(300));
  });
});

test("more time is offered once, and only within the policy's limit", () => {
  const r = {
    rule: "r",
    reason: "",
    who: [],
    quorum: 1,
    not: [],
    within: "30m",
    extend: "10m0s",
    hold: "8s",
    valid_for: "15m",
    escalate: [],
  };
  expect(moreTime(request({ requirements: [r] }))).toBe("10m0s");
  expect(moreTime(request({ requirements: [r], extended: true }))).toBe("");
  expect(moreTime(request({ requirements: [{ ...r, extend: "0s" }] }))).toBe("");
});

test("the undo window is the server's, and only for who approved", () => {
  const a = request({ status: "approved", held_until: inSeconds(3), votes: [vote("jana.novak")] });
  expect(held(a, me, now)).toEqual({ by: "you", until: inSeconds(3) });
  expect(held(a, { ...me, name: "petr" }, now)?.by).toBe("others");
  expect(held(a, me, now + 3000)).toBeNull();
  expect(held({ ...a, status: "pending" }, me, now)).toBeNull();
});

test("who is missing is said in words", () => {
  const a = request({ required: [need(["role:responder", "role:analyst"], 2, ["starter"])], votes: [vote("petr")] });
  expect(missing(a)).toEqual([{ n: "One more", who: "a responder or an analyst", not: "not who started the run" }]);
  expect(whoWords(["team:soc", "user:jana"])).toBe("somebody of soc or jana");
  expect(whoWords([])).toBe("nobody");
});

test("“cannot be undone” is said as plainly as “reversible”", () => {
  expect(undoWords(request())).toBe("Reversible. Undone by itself after 8 h.");
  expect(undoWords(request({ inverse: null }))).toBe("Cannot be undone: the action has no inverse.");
  expect(undoWords(request({ impact: "release" }))).toBe("");
});

test("how it ended names the people", () => {
  expect(ended(request({ status: "approved", votes: [vote("petr"), vote("jana.novak")] }), me)).toBe(
    "Approved by petr and you",
  );
  expect(ended(request({ status: "denied", votes: [vote("petr", "deny")] }), me)).toBe("Denied by petr");
  expect(ended(request({ status: "expired" }), me)).toBe("Nobody answered in time");
});

describe("verdictOf reads the usual answers", () => {
  test.each<[unknown, ReturnType<typeof verdictOf>]>([
    [{ verdict: "Malicious" }, "malicious"],
    [{ reputation: "clean" }, "benign"],
    [{ malicious: 58, engines: 72 }, "malicious"],
    [{ malicious: 0 }, "benign"],
    [{ malicious: false }, "benign"],
    [{ classification: "unknown" }, "unknown"],
    [{ verdict: "toString" }, null],
    [{ hosts: 3 }, null],
    [null, null],
    ["malicious", null],
  ])("%j", (output, want) => {
    expect(verdictOf(output)).toBe(want);
  });
});

test("benign and failed lookups are evidence like the others", () => {
  const step = (o: Partial<Step>): Step => ({
    path: "a",
    id: "a",
    kind: "action",
    name: "",
    action: "intel.file_report",
    impact: "read",
    connection: "vt",
    status: "succeeded",
    attempts: 1,
    occurrence: 1,
    started_at: null,
    ended_at: inSeconds(-9),
    input: null,
    output: null,
    error: null,
    decision: "",
    approval: "",
    effect: "",
    dry_run: false,
    ...o,
  });
  const run = {
    steps: [
      step({ output: { malicious: 3 } }),
      step({ output: { verdict: "benign" } }),
      step({
        status: "failed",
        error: { kind: "rate_limited", message: "429", step: "", attempt: 1, retryable: true },
      }),
      step({ impact: "contain" }),
      step({ status: "pending" }),
    ],
  } as unknown as Run;
  const alert = {
    source: "edr",
    last_seen: inSeconds(-60),
    hosts: [],
    files: [{ name: "x.js", path: "", size: 1, md5: "", sha1: "", sha256: "9f" }],
    processes: [],
    users: [],
    mails: [],
    urls: ["https://a.example"],
    domains: [],
    ips: [],
  } as unknown as Alert;
  const facts = evidence(alert, run);
  expect(facts.map((f) => [f.what, f.verdict])).toEqual([
    ["File", null],
    ["URL", null],
    ["File report", "malicious"],
    ["File report", "benign"],
    ["File report", "unknown"],
  ]);
  expect(balance(facts)).toEqual({ bad: 1, good: 1, open: 1 });
  expect(evidence(undefined, undefined)).toEqual([]);
});

test("an answer is summed up by its plain values", () => {
  expect(summary({ score: 92, hosts: ["a", "b"], nested: {}, none: null })).toBe("score: 92 · hosts: 2");
  expect(summary([1, 2, 3])).toBe("3 found");
  expect(summary(null)).toBe("no answer");
});

test("a search looks at what the list shows", () => {
  expect(matches(request(), "fin isolate")).toBe(true);
  expect(matches(request(), "hr-lt")).toBe(false);
  expect(matches(request(), "")).toBe(true);
});

test("the time limit is said at five minutes and at one", () => {
  expect([warning(400_000), warning(300_000), warning(60_000), warning(0)]).toEqual([
    "",
    "Less than five minutes left to decide.",
    "Less than one minute left to decide.",
    "The time is over.",
  ]);
});
