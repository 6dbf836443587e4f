// Browser tests on the fixtures of one night: every screen under axe-core and the content policy, the keyboard, every
// state, hostile data, small screens, and the budgets that a main thread can be held to. `node e2e/fixture.mjs REGEXP` runs some.
import assert from "node:assert/strict";
import { axe, launch, open } from "./browser.mjs";
import { PAYLOADS } from "./fixtures/payloads.mjs";
import { serve } from "./fixtures/server.mjs";
import { APR, effects, FIN, RUN } from "./fixtures/story.mjs";
import { SCREENS } from "./shots.mjs";

const only = process.argv[2] && new RegExp(process.argv[2]);
const tests = [];
const test = (name, run) => tests.push({ name, run });
const browser = await launch();

/** A server and a page on it, both closed at the end; what should not happen is asserted unless allowed. */
async function on(options, act) {
  const { width, dark, allow, ...rest } = options;
  const server = await serve(rest);
  const tab = await open(browser, server.url, { width, dark });
  tab.page.setDefaultTimeout(20_000);
  try {
    await act(tab.page, server, tab);
    assert.deepEqual(await tab.wrong(allow), []);
  } finally {
    await tab.close();
    await server.close();
  }
}
const settled = (page) =>
  page.waitForFunction(
    () => document.querySelector("h1, h2") && !document.querySelector(".blank") && document.fonts.status === "loaded",
  );
const go = async (page, path) => {
  await page.goto(path);
  await settled(page);
};
const focused = (page) => page.evaluate(() => document.activeElement?.textContent?.trim().slice(0, 60) ?? "");

for (const width of [1440, 390])
  for (const dark of [false, true])
    test(`axe-core finds nothing on any screen, ${width} px, ${dark ? "night" : "day"}`, () =>
      on({ width, dark, frozen: true, allow: /404/ }, async (page) => {
        const found = [];
        for (const [name, path, act] of SCREENS) {
          await go(page, path);
          if (act) {
            await act(page);
            await page.waitForTimeout(250);
          }
          for (const v of await axe(page)) found.push(`${name}: ${v.id}: ${v.nodes.join(" | ")}`);
          const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          if (over > 0) found.push(`${name}: ${over} px too wide`);
        }
        assert.deepEqual(found, []);
      }));

test("the alerts are worked by keyboard alone", () =>
  on({}, async (page, server) => {
    await go(page, "/alerts");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.waitForFunction(() => document.activeElement?.textContent.includes("Malware executed"));
    await page.keyboard.press("o");
    await page.waitForTimeout(200);
    assert.equal(server.state.calls.at(-1).method, "PATCH");
    await page.keyboard.press("e");
    await page.getByRole("dialog", { name: /Close/ }).waitFor();
    await page.keyboard.type("a test of the keyboard, jkx");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    const last = JSON.parse(server.state.calls.at(-1).body);
    assert.equal(last.status, "closed");
    assert.equal(last.reason, "a test of the keyboard, jkx");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/alerts\/alr_/);
  }));

test("n opens what one was told, arrows walk it, and opening one reads it", () =>
  on({}, async (page, server) => {
    await go(page, "/runs");
    await page.getByRole("button", { name: "Notifications, 4 unread" }).waitFor();
    await page.keyboard.press("n");
    const panel = page.getByRole("dialog", { name: "Notifications" });
    await panel.getByText("<b>not bold</b>").waitFor();
    await page.keyboard.press("j");
    await page.waitForFunction(() => document.activeElement?.textContent.includes("FIN-LT-0231"));
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/approvals\/apr_/);
    await page.getByRole("button", { name: "Notifications, 3 unread" }).waitFor();
    await page.getByRole("button", { name: "Notifications, 3 unread" }).click();
    await panel.getByRole("button", { name: "Extend by 4 h" }).click();
    await panel.getByText("Asked; the policy decides.").waitFor();
    assert.ok(server.state.calls.some((c) => c.path.endsWith("/extend") && JSON.parse(c.body).until));
    await panel.getByRole("button", { name: "Mark all as read" }).click();
    await panel.getByText("You have seen everything.").waitFor();
  }));

test("who was told nothing learns what comes here", () =>
  on({ quiet: true }, async (page) => {
    await go(page, "/");
    await page.keyboard.press("n");
    await page.getByText("Nobody has told you anything yet.").waitFor();
  }));

test("a connection is made by keyboard, its mistake stands at its field, and its secret is never shown", () =>
  on({ allow: /400/ }, async (page, server) => {
    await go(page, "/integrations");
    await page.getByRole("button", { name: "New connection" }).focus();
    await page.keyboard.press("Enter");
    await page.getByLabel("Name", { exact: true }).fill("desk");
    await page.getByLabel("Address", { exact: true }).fill("nowhere");
    await page.getByLabel("email").fill("soc@example.org");
    await page.getByLabel("api token").fill("very-secret-indeed");
    await page.keyboard.press("Enter");
    await page.getByText("an address begins with https://").first().waitFor();
    assert.equal(await page.getByLabel("Address", { exact: true }).getAttribute("aria-invalid"), "true");
    await page.getByLabel("Address", { exact: true }).fill("https://desk.example");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "desk" }).waitFor();
    const sent = JSON.parse(server.state.calls.at(-1).body);
    assert.equal(sent.auth.password, "very-secret-indeed");
    assert.ok(!(await page.content()).includes("very-secret-indeed"));
    await page.getByRole("button", { name: "Change desk" }).click();
    await page.getByLabel("Address", { exact: true }).fill("https://other.example");
    await page.getByText("Saving with another address drops the stored secret").waitFor();
  }));

test("a source is made, tried on a payload, and its secret shown once", () =>
  on({}, async (page) => {
    await go(page, "/integrations?tab=sources");
    await page.getByRole("button", { name: "New source" }).click();
    await page.getByLabel("Name", { exact: true }).fill("firewall");
    await page.getByText("Try a payload").click();
    await page.getByLabel("Payload, as the sender would post it").fill("{}");
    await page.getByRole("button", { name: "Show the alert" }).click();
    await page.getByText("From the payload").waitFor();
    await page.getByRole("button", { name: "Make the source" }).click();
    await page.getByText("made-once-and-shown-once").waitFor();
    await page.getByRole("button", { name: "The sender has it" }).click();
    await page.getByRole("cell", { name: "firewall", exact: true }).waitFor();
    assert.ok(!(await page.content()).includes("made-once-and-shown-once"));
  }));

test("Enter right behind j opens the row, also when a link of the rail has the focus", () =>
  on({}, async (page) => {
    await go(page, "/");
    await page.getByRole("link", { name: "Alerts", exact: true }).first().click();
    await page.locator(".gridrow").nth(3).waitFor();
    await page.evaluate(async () => {
      const press = (key) =>
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      press("j");
      await null; // no frame is drawn between the two
      if (document.activeElement?.classList.contains("rowlink")) document.activeElement.click();
    });
    await page.waitForURL(/\/alerts\/alr_/);
  }));

test("two keys approve, one is not enough, and the undo window takes it back", () =>
  on({}, async (page, server) => {
    await go(page, `/approvals/${APR.iso}`);
    await page.getByRole("button", { name: /^Approve/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.keyboard.press("a");
    await page.getByText("Armed. Nothing has been sent.").waitFor();
    assert.equal(server.state.calls.length, 0, "nothing is sent by arming");
    await page.keyboard.press("Escape");
    await page.getByText("Armed.").waitFor({ state: "detached" });
    await page.keyboard.press("Enter");
    assert.equal(server.state.calls.length, 0, "what was let go is not sent");
    await page.keyboard.press("a");
    await page.keyboard.press("Enter");
    await page.getByText("Held.").waitFor();
    const sent = JSON.parse(server.state.calls[0].body);
    assert.equal(sent.decision, "approve");
    assert.equal(sent.digest, server.world.approvals[0].digest);
    await page.keyboard.press("u");
    await page.getByText("Taken back").first().waitFor();
    assert.ok(server.state.calls.at(-1).path.endsWith("/withdraw"));
    await page.getByRole("link", { name: "It is asked anew: look again" }).click();
    await page.getByRole("button", { name: /^Approve/ }).waitFor();
  }));

test("while others must still agree, one's own vote can be taken back", () =>
  on({}, async (page, server) => {
    await go(page, `/approvals/${APR.svc}`);
    await page.keyboard.press("a");
    await page.keyboard.press("Enter");
    await page.getByText("You have voted. Others must agree too.").waitFor();
    await page.keyboard.press("u");
    await page.getByRole("button", { name: /^Approve/ }).waitFor();
    assert.equal(server.world.approvals.find((x) => x.id === APR.svc).votes.length, 0);
  }));

test("what is armed is confirmed by Enter also when a link has the focus, and a double click is no second key", () =>
  on({}, async (page, server) => {
    await go(page, "/approvals");
    await page
      .getByRole("link", { name: /Isolate host/ })
      .first()
      .click();
    await page.keyboard.press("a");
    await page.getByText("Armed.").waitFor();
    await page.keyboard.press("Enter");
    await page.getByText("Held.").waitFor();
    await go(page, `/approvals/${APR.block}`);
    const before = server.state.calls.length;
    await page.getByRole("button", { name: /^Approve/ }).dblclick();
    await page.getByText("Armed.").waitFor();
    assert.equal(server.state.calls.length, before);
    assert.ok(!(await focused(page)).includes("Block"), "the focus does not rest on the button that sends");
  }));

test("j and k walk through the requests, and a denial says why", () =>
  on({}, async (page, server) => {
    await go(page, "/approvals");
    await page.getByRole("heading", { level: 1, name: /Isolate host/ }).waitFor();
    await page.keyboard.press("j");
    await page.getByRole("heading", { level: 1, name: /Disable user/ }).waitFor();
    await page.keyboard.press("j");
    await page.getByRole("heading", { level: 1, name: /Block address/ }).waitFor();
    await page.keyboard.press("k");
    await page.getByRole("heading", { level: 1, name: /Disable user/ }).waitFor();
    await page.keyboard.press("d");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Tab");
    await page.keyboard.type("known maintenance");
    await page.getByRole("button", { name: "Deny: nothing is sent" }).click();
    await page
      .getByText(/Denied by you/)
      .first()
      .waitFor();
    assert.equal(JSON.parse(server.state.calls.at(-1).body).comment, "False positive: known maintenance");
  }));

test("if somebody else decides, the card says so in place", () =>
  on({}, async (page, server) => {
    await go(page, `/approvals/${APR.svc}`);
    await page.keyboard.press("a");
    await page.getByText("Armed.").waitFor();
    const a = server.world.approvals.find((x) => x.id === APR.svc);
    Object.assign(a, {
      status: "denied",
      decided_at: new Date().toISOString(),
      votes: [
        {
          by: "lena.brandt",
          decision: "deny",
          at: new Date().toISOString(),
          comment: "not now",
          counts: true,
          why_not: "",
        },
      ],
    });
    server.tell("approval", a.id);
    await page.getByText("Denied by lena.brandt").first().waitFor();
    await page.keyboard.press("Enter");
    assert.equal(server.state.calls.length, 0, "what was armed is gone");
  }));

test("a refusal is shown, and the request is read anew", () =>
  on({ allow: /409/ }, async (page, server) => {
    await go(page, `/approvals/${APR.block}`);
    const a = server.world.approvals.find((x) => x.id === APR.block);
    a.digest = `sha256:${"0".repeat(64)}`;
    await page.keyboard.press("a");
    await page.keyboard.press("Enter");
    await page.getByText("What would be sent has changed; look again.").waitFor();
    await page.getByRole("button", { name: /^Approve/ }).waitFor();
    await page.getByText("sha256:000000000000").waitFor();
  }));

test("a question is answered by its form", () =>
  on({}, async (page, server) => {
    await go(page, `/approvals/${APR.dc}`);
    await page.getByLabel("planned", { exact: true }).selectOption("yes");
    await page.getByRole("button", { name: "Send this answer" }).click();
    await page
      .getByText(/Answered/)
      .first()
      .waitFor();
    assert.deepEqual(JSON.parse(server.state.calls.at(-1).body).answer, { planned: "yes" });
  }));

test("who may not decide reads why, where the buttons were", () =>
  on({ me: { roles: ["viewer"], verbs: ["see"] } }, async (page) => {
    await go(page, `/approvals/${APR.block}`);
    await page.getByText("A responder can decide this; you have viewer.").waitFor();
    assert.equal(await page.getByRole("button", { name: /^Approve/ }).count(), 0);
    await go(page, "/audit");
    await page.getByText(/This needs the right audit.read/).waitFor();
    await go(page, `/effects?undo=${effects[0].id}`);
    await page.getByText(/This needs the right effect.undo/).waitFor();
  }));

test("while it is not live, deciding is off and the mark is square and red", () =>
  on({ allow: /ERR_|Failed to load|EMPTY/ }, async (page, server) => {
    await go(page, `/approvals/${APR.iso}`);
    await page.getByRole("button", { name: /^Approve/ }).waitFor();
    server.state.down = true;
    server.dropStreams();
    await page.locator(".live.off").first().waitFor();
    const off = page.getByRole("button", { name: "Approve: not while disconnected" });
    await off.waitFor();
    assert.ok(await off.isDisabled());
    await page.keyboard.press("a");
    assert.equal(await page.getByText("Armed.").count(), 0);
    server.state.down = false;
    await page.locator(".live:not(.off)").first().waitFor();
    await page.getByRole("button", { name: /^Approve: isolate/ }).waitFor();
  }));

test("an error says what did not happen, tries again, and has an id", () =>
  on({ allow: /503/ }, async (page, server) => {
    await go(page, "/");
    server.state.refuse = {
      status: 503,
      problem: {
        title: "unavailable",
        status: 503,
        detail: "The database is being reopened.",
        code: "unavailable",
        errors: [],
        instance: "req_77",
      },
    };
    await page.getByRole("link", { name: "Alerts", exact: true }).first().click();
    await page.getByText("The alerts could not be read.").waitFor();
    await page.getByText("The database is being reopened. Nothing was changed.").waitFor();
    await page.getByText("req_77").waitFor();
    server.state.refuse = null;
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator(".gridrow").first().waitFor();
  }));

test("nothing to do looks like nothing to do", () =>
  on({ quiet: true }, async (page) => {
    await go(page, "/");
    await page.getByRole("heading", { level: 1, name: "Nothing waits for you. 3 runs are working." }).waitFor();
    assert.equal(await page.locator(".waiting, .failed").count(), 0, "no amber, no red");
    await go(page, "/approvals");
    await page.getByText("Nothing waits for you.").waitFor();
    await go(page, "/alerts");
    await page.getByText("No alert has come in yet.").waitFor();
    await go(page, "/effects");
    await page.getByText("Nothing is in force.").waitFor();
  }));

test("nothing matches says what hides it, and one act shows it again", () =>
  on({}, async (page) => {
    await go(page, "/alerts?q=zzzz");
    await page.getByText("No alert matches.").waitFor();
    await page.getByRole("button", { name: "Drop all filters" }).click();
    await page.locator(".gridrow").first().waitFor();
    await go(page, "/approvals?q=zzzz");
    await page.getByText("None of 7 matches.").waitFor();
  }));

test("every filter stands in the address", () =>
  on({}, async (page) => {
    await go(page, "/alerts");
    await page.getByLabel("Severity").selectOption("critical");
    await page.waitForURL(/severity=critical/);
    await page.getByLabel(/Search title/).fill("LSASS");
    await page.waitForURL(/q=LSASS/);
    await page.waitForFunction(() => document.querySelectorAll(".gridrow").length === 1);
    await page.reload();
    await page.waitForFunction(() => document.querySelectorAll(".gridrow").length === 1);
  }));

// S029: every text that a stranger may have written carries one of them, on every screen. Nothing runs (a dialog, an
// error or a refusal of the content policy is found by the page's own watch), nothing is loaded from elsewhere, and no
// element of theirs comes into being.
for (const width of [1440, 390])
  test(`S029: ${PAYLOADS.length} payloads on every screen run nothing and load nothing, ${width} px`, () => {
    const payloads = new Map();
    return on({ width, frozen: true, payloads, allow: /404/ }, async (page) => {
      const found = [];
      const seen = new Set();
      for (const [name, path, act] of SCREENS) {
        await go(page, path);
        if (act) {
          await act(page);
          await page.waitForTimeout(150);
        }
        const made = await page.evaluate(() =>
          [
            ...document.querySelectorAll(
              "#app script, #app iframe, #app img, #app object, #app embed, #app video, #app audio, #app math, #app base, #app meta, #app link, #app style, #app template, #app foreignObject, [onerror], [onload], [onfocus], [ontoggle], a[href^='javascript:' i], a[href^='data:' i], a[href^='vbscript:' i], [src*='payload.example'], [href*='payload.example']:not([rel~='noreferrer'])",
            ),
          ].map((e) => e.outerHTML.slice(0, 120)),
        );
        for (const m of made) found.push(`${name}: ${m}`);
        const shown = (await page.evaluate(() => document.body.textContent)).replace(/\s+/g, "");
        for (const p of PAYLOADS) if (shown.includes(p.replace(/\s+/g, ""))) seen.add(p);
      }
      assert.deepEqual(found, []);
      assert.ok(seen.size > PAYLOADS.length / 2, `only ${seen.size} are shown whole on any screen`);
      for (const p of PAYLOADS) assert.ok(payloads.get(p), `${p} stands nowhere`);
    });
  });

test("hostile data stays text, and what deceives is made visible", () =>
  on({}, async (page, _server, tab) => {
    for (const path of [
      "/",
      "/alerts",
      `/alerts/${FIN.id}`,
      `/approvals/${APR.iso}`,
      `/approvals/${APR.purge}`,
      `/runs/${RUN.main}`,
      `/runs/${RUN.main}?view=journal`,
      "/effects",
      "/playbooks/malware-isolate",
    ]) {
      await go(page, path);
      await page.waitForTimeout(100);
      const strange = await page.evaluate(
        () =>
          document.querySelectorAll(
            "#app script, #app iframe, #app img, #app object, #app b b, #app a[href^='javascript:'], #app a[href^='http']:not(.demo)",
          ).length,
      );
      assert.equal(strange, 0, `${path}: markup or an outside link came out of data`);
      const raw = await page.evaluate(() =>
        [...document.querySelectorAll("#app *")].some((e) =>
          [...e.childNodes].some((n) => n.nodeType === 3 && /[\u202a-\u202e\u2066-\u2069\u200b-\u200f]/.test(n.data)),
        ),
      );
      assert.equal(raw, false, `${path}: a hidden character is on the page`);
    }
    await go(page, `/alerts/${FIN.id}`);
    assert.ok((await page.locator(".spoof").count()) >= 3, "look-alikes are underlined");
    await page.getByText("‹U+202E›").first().waitFor();
    assert.deepEqual(tab.bad, []);
  }));

test("the run is one selection in graph, timeline, list and panel", () =>
  on({}, async (page) => {
    await go(page, `/runs/${RUN.main}`);
    await page.locator(".node.sel", { hasText: "Isolate host" }).waitFor();
    await page.locator(".tlrow", { hasText: "URL reputation" }).getByRole("button").click();
    await page.waitForURL(/step=enrich/);
    await page.locator(".node.sel", { hasText: "URL reputation" }).waitFor();
    await page.getByRole("heading", { level: 2, name: "URL reputation" }).waitFor();
    await page.getByRole("tab", { name: "Attempts" }).click();
    await page.getByText("Attempt 3").waitFor();
    await page.locator(".graph").focus();
    await page.keyboard.press("ArrowRight");
    await page.locator(".node.sel", { hasText: "URL fallback" }).waitFor();
    await page.locator(".legend button.failed").click();
    await page.waitForURL(/state=failed/);
    await page.getByRole("tab", { name: /^List/ }).click();
    await page.waitForFunction(() => document.querySelectorAll(".steplist .step").length === 1);
  }));

test("the run page follows what happens", () =>
  on({}, async (page, server) => {
    await go(page, `/runs/${RUN.main}`);
    const r = server.world.runs.find((x) => x.id === RUN.main);
    const s = r.steps.find((x) => x.path === "contain/revoke");
    Object.assign(s, { status: "succeeded", ended_at: new Date().toISOString() });
    server.tell("run", r.id);
    await page.locator(".node.succeeded", { hasText: "Revoke sessions" }).waitFor();
  }));

test("a step in doubt is resolved by a person who says how they know", () =>
  on({}, async (page, server) => {
    const r = server.world.runs.find((x) => x.id === RUN.spray);
    r.steps = [
      {
        ...server.world.runs.find((x) => x.id === RUN.main).steps[10],
        path: "lock",
        id: "lock",
        name: "Lock account",
        status: "in_doubt",
        approval: "",
      },
    ];
    await go(page, `/runs/${RUN.spray}?view=list`);
    await page.getByRole("button", { name: "Say what happened" }).click();
    await page.getByLabel("It happened").check();
    await page.getByLabel("Its output, as JSON").fill('{"locked":true}');
    await page.getByLabel("How you know").fill("looked at the directory");
    await page.getByRole("button", { name: "It happened" }).click();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.deepEqual(JSON.parse(server.state.calls.at(-1).body), {
      step: "lock",
      as: "done",
      output: { locked: true },
      reason: "looked at the directory",
    });
  }));

test("an undo asks why, shows the policy's request in place, and the same person confirms it", () =>
  on({}, async (page, server) => {
    await go(page, "/effects");
    await page.getByRole("button", { name: /^Undo: Isolate host MUC/ }).click();
    await page.getByLabel("Why it is undone").fill("cleaned");
    await page.getByRole("button", { name: "Undo it" }).click();
    await page.getByRole("button", { name: "Confirm: release host MUC-LT-0098" }).click();
    await page.locator(".inline-ask .state.undone").waitFor();
    assert.deepEqual(
      server.state.calls.map((c) => c.path.split("/").at(-1)),
      ["undo", "decision"],
    );
  }));

test("who thinks better of an undo keeps the effect in force, with a reason", () =>
  on({}, async (page, server) => {
    await go(page, "/effects");
    await page.getByRole("button", { name: /^Undo: Isolate host MUC/ }).click();
    await page.getByLabel("Why it is undone").fill("cleaned");
    await page.getByRole("button", { name: "Undo it" }).click();
    await page.getByRole("button", { name: "Keep it in force" }).click();
    await page.getByRole("button", { name: "Keep it in force" }).waitFor({ state: "detached" });
    const sent = JSON.parse(server.state.calls.at(-1).body);
    assert.equal(sent.decision, "deny");
    assert.equal(sent.comment, "Kept in force");
  }));

test("the halt is said on every screen, and lifting it asks for a reason", () =>
  on({}, async (page, server) => {
    await go(page, "/");
    await page.getByRole("button", { name: /zone, theme, log out/ }).click();
    await page.getByRole("menuitem", { name: "Halt all side effects" }).click();
    await page.getByLabel("Why").fill("wrong playbook");
    await page.getByRole("dialog").getByRole("button", { name: "Halt all side effects" }).click();
    await page.getByText("Halted.").waitFor();
    assert.deepEqual(JSON.parse(server.state.calls.at(-1).body), { on: true, reason: "wrong playbook" });
    await go(page, "/runs");
    await page.getByText("“wrong playbook”").waitFor();
    assert.deepEqual(await axe(page), []);
  }));

test("a playbook is run from its form, and a draft waits for a second person", () =>
  on({}, async (page, server) => {
    await go(page, "/playbooks/indicator-enrichment");
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("textbox", { name: "indicator" }).fill("198.51.100.7");
    await page.getByRole("button", { name: "Run indicator-enrichment" }).click();
    await page.waitForURL(/\/runs\/run_/);
    assert.deepEqual(JSON.parse(server.state.calls[0].body), { inputs: { indicator: "198.51.100.7" } });
    await go(page, "/playbooks/mailbox-rules");
    await page.getByRole("button", { name: "Publish: You wrote it; a second person publishes it." }).waitFor();
    await go(page, "/playbooks/malware-isolate");
    await page.locator(".node", { hasText: "Isolate host" }).click();
    await page.waitForURL(/step=contain/);
    await page.locator(".ln.in", { hasText: "id: isolate" }).waitFor();
  }));

test("Ctrl K reaches places, requests and ids", () =>
  on({}, async (page) => {
    await go(page, "/");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox").waitFor();
    await page.keyboard.type("isolate fin");
    await page.getByRole("option", { name: /Isolate host FIN-LT-0231/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/approvals\/apr_/);
    await page.keyboard.press("Control+k");
    await page.keyboard.type(RUN.main);
    await page.getByRole("option", { name: /open this id/ }).waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/runs\/run_/);
  }));

test("single keys can be switched off, and do nothing while typing", () =>
  on({}, async (page) => {
    await go(page, "/approvals");
    await page.getByLabel(/^Filter/).fill("aaddjk");
    assert.equal(await page.getByText("Armed.").count(), 0);
    await go(page, `/approvals/${APR.iso}`);
    await page.getByRole("button", { name: /zone, theme, log out/ }).click();
    await page.getByRole("menuitemcheckbox", { name: "Single-key shortcuts" }).click();
    await page.keyboard.press("Escape");
    await page.getByRole("menu").waitFor({ state: "detached" });
    await page.keyboard.press("a");
    await page.waitForTimeout(200);
    assert.equal(await page.getByText("Armed.").count(), 0);
    await page.getByRole("button", { name: /^Approve/ }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("Armed.").waitFor();
  }));

test("times are in one zone, which a person chooses", () =>
  on({ frozen: true }, async (page) => {
    await go(page, `/approvals/${APR.iso}`);
    await page.getByText("02:20:48 UTC").waitFor();
    await page.evaluate(() => localStorage.setItem("tocsin.prefs", JSON.stringify({ zone: "Europe/Vienna" })));
    await page.reload();
    await page.getByText(/03:20:48 (CET|GMT\+1)/).waitFor();
  }));

test("a session that has ended asks for it again and comes back to the same place", () =>
  on({ allow: /401/ }, async (page, server) => {
    await go(page, "/runs");
    server.state.signedIn = false;
    await page.getByRole("link", { name: "Effects", exact: true }).first().click();
    await page.waitForURL(/\/login\?next=/);
    await page.getByLabel("Name").fill("jana.novak");
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("Name or password is wrong, or the account is locked.").waitFor();
    await page.getByLabel("Password").fill("correct horse battery");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/effects/);
    const types = await page.context().newPage();
    await types.goto("/login");
    assert.equal(await types.getByLabel("Password").getAttribute("autocomplete"), "current-password");
    assert.equal(await types.getByLabel("Name").getAttribute("autocomplete"), "username");
  }));

test("one browser has one stream, and the second tab follows the first", () =>
  on({}, async (page, server) => {
    await go(page, "/approvals");
    const second = await page.context().newPage();
    await second.goto("/approvals");
    await settled(second);
    await page.waitForTimeout(300);
    assert.equal(server.streams(), 1);
    const a = server.world.approvals.find((x) => x.id === APR.svc);
    Object.assign(a, { status: "expired", decided_at: new Date().toISOString() });
    server.tell("approval", a.id);
    await second.getByText("Disable user").first().waitFor({ state: "detached" });
    await page.close();
    await second.waitForTimeout(500);
    assert.equal(server.streams(), 1, "the second tab leads now");
  }));

test("it reflows at 320 px, at 200 % text, and works in forced colours", () =>
  on({ width: 320 }, async (page) => {
    for (const path of [
      "/",
      "/alerts",
      `/alerts/${FIN.id}`,
      "/approvals",
      `/approvals/${APR.iso}`,
      `/runs/${RUN.main}`,
      "/effects",
      "/audit",
      "/playbooks",
    ]) {
      await go(page, path);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${path} is ${over} px too wide at 320`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ forcedColors: "active" });
    await go(page, `/approvals/${APR.iso}`);
    await page.evaluate(() => document.documentElement.style.setProperty("font-size", "200%"));
    await page.waitForTimeout(200);
    const button = page.getByRole("button", { name: /^Approve/ });
    const box = await button.boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 1280, "Approve stays on the page at 200 %");
  }));

/** CPU of the main thread, in milliseconds, that an act takes by Chromium's own counter. */
async function cpu(page, act) {
  const s = await page.context().newCDPSession(page);
  // Thread ticks: time on the processor, so that a busy machine does not count.
  await s.send("Performance.enable", { timeDomain: "threadTicks" });
  const at = async () =>
    (await s.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration").value * 1000;
  const before = await at();
  await act();
  const after = await at();
  await s.detach();
  return after - before;
}

test("budgets: the inbox, j and k, ten thousand alerts", () =>
  on({ many: 10_000, allow: /404/ }, async (page) => {
    await page.goto("/bell.svg");
    const inbox = await cpu(page, () => go(page, `/approvals/${APR.iso}`));
    const walk =
      (await cpu(page, async () => {
        for (const k of ["j", "j", "k", "j", "k"]) {
          await page.keyboard.press(k);
          await page.waitForTimeout(60);
        }
      })) / 5;
    await go(page, "/alerts");
    await page.locator(".gridrow").first().waitFor();
    const rows = await page.locator(".gridrow").count();
    assert.ok(rows < 80, `${rows} rows are drawn`);
    const body = page.locator(".gridbody");
    const scroll =
      (await cpu(page, async () => {
        for (let i = 1; i <= 20; i++) {
          await body.evaluate((e, y) => e.scrollTo(0, y), i * 240);
          await page.waitForTimeout(32);
        }
      })) / 20;
    console.log(
      `     inbox ${inbox.toFixed(0)} ms, j/k ${walk.toFixed(1)} ms, scroll frame ${scroll.toFixed(1)} ms of CPU`,
    );
    const slack = Number(process.env.SLACK ?? 4); // a shared machine is slower than the one of the budgets
    assert.ok(inbox <= 250 * slack, `the inbox took ${inbox} ms`);
    assert.ok(walk <= 20 * slack, `j/k took ${walk} ms`);
    assert.ok(scroll <= 16 * slack, `a scroll frame took ${scroll} ms`);
  }));

/** A playbook of n steps in rows of ten, as the server would lay it out. */
function big(n) {
  const nodes = Array.from({ length: n }, (_, i) => ({
    path: `s${i}`,
    id: `s${i}`,
    kind: "action",
    label: `Step ${i}`,
    action: "edr.get_host",
    impact: i % 7 ? "read" : "contain",
    side_effect: i % 7 === 0,
    x: (i % 50) * 150,
    y: Math.floor(i / 50) * 68,
    w: 128,
    h: 44,
    parent: "",
    line: i + 1,
  }));
  const edges = nodes.slice(1).map((b, i) => ({
    from: nodes[i].path,
    to: b.path,
    label: "",
    kind: "",
    points: [
      [nodes[i].x + 128, nodes[i].y + 22],
      [b.x, b.y + 22],
    ],
  }));
  return { nodes, edges, width: 50 * 150, height: Math.ceil(n / 50) * 68 };
}

test("budgets: a run of 500 steps", () =>
  on({ graph: big(500), allow: /404/ }, async (page, server) => {
    const r = server.world.runs.find((x) => x.id === RUN.main);
    const first = r.steps[0];
    r.steps = Array.from({ length: 500 }, (_, i) => ({
      ...first,
      path: `s${i}`,
      id: `s${i}`,
      name: `Step ${i}`,
      status: i < 200 ? "succeeded" : i < 210 ? "running" : "pending",
      started_at: i < 210 ? first.started_at : null,
      ended_at: i < 200 ? first.ended_at : null,
    }));
    await page.goto("/bell.svg");
    const graph = await cpu(page, async () => {
      await go(page, `/runs/${r.id}`);
      await page.locator(".node").first().waitFor();
    });
    const pane = await page.locator(".react-flow__pane").boundingBox();
    await page.mouse.move(pane.x + 400, pane.y + 30);
    await page.mouse.down();
    const pan =
      (await cpu(page, async () => {
        for (let i = 1; i <= 20; i++) {
          await page.mouse.move(pane.x + 400 - i * 10, pane.y + 30 + i);
          await page.waitForTimeout(20);
        }
      })) / 20;
    await page.mouse.up();
    const events = await cpu(page, async () => {
      for (let i = 0; i < 20; i++) {
        r.steps[200 + i].status = "succeeded";
        for (let j = 0; j < 10; j++) server.tell("run", r.id);
        await page.waitForTimeout(50);
      }
    });
    console.log(
      `     first graph ${graph.toFixed(0)} ms, pan ${pan.toFixed(1)} ms, 200 events/s ${(events / 10).toFixed(0)} % of a core`,
    );
    const slack = Number(process.env.SLACK ?? 4);
    assert.ok(graph <= 900 * slack, `the first graph took ${graph} ms`);
    assert.ok(pan <= 8 * slack, `panning took ${pan} ms a move`);
    assert.ok(events <= 150 * slack, `one second of 200 events took ${events} ms`);
  }));

let failed = 0;
for (const { name, run } of tests) {
  if (only && !only.test(name)) continue;
  const began = Date.now();
  try {
    await run();
    console.log(`ok   ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (e) {
    failed++;
    console.log(
      `FAIL ${name}\n     ${(e instanceof Error ? e.message : String(e)).split("\n").slice(0, 30).join("\n     ")}`,
    );
  }
}
await browser.close();
console.log(failed ? `${failed} failed` : "all passed");
process.exit(failed ? 1 : 0);
