// The main job, by hand, in a browser, against the real binary with the demo range:
// one-time link, password, alerts, runs, the approval by keyboard, the range's own page, the effect, undo, confirmation, release.
// TOCSIN_URL, TOCSIN_LINK and RANGE_URL say where; pictures go to e2e/shots.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { axe, launch, open } from "./browser.mjs";

const { TOCSIN_URL: url, TOCSIN_LINK: link, RANGE_URL: range } = process.env;
if (!url || !link) {
  console.error("TOCSIN_URL and TOCSIN_LINK must be set (RANGE_URL is asked of the server where it is not)");
  process.exit(2);
}
const out = new URL("./shots/", import.meta.url).pathname;
mkdirSync(out, { recursive: true });
const PATIENCE = 60_000;
const password = "correct horse battery staple";

const browser = await launch();
const tab = await open(browser, url, { width: 1440 });
const { page } = tab;
page.setDefaultTimeout(PATIENCE);
let failed = false;

async function step(name, act) {
  const began = Date.now();
  try {
    await act();
    console.log(`ok   ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  } catch (e) {
    failed = true;
    console.log(`FAIL ${name}`);
    await page.screenshot({ path: `${out}real-failed.png` }).catch(() => {});
    console.log(`     at ${page.url()}; picture: e2e/shots/real-failed.png`);
    for (const w of await tab.wrong().catch(() => [])) console.log(`     ${w}`);
    throw e;
  }
}
const shot = (name) => page.screenshot({ path: `${out}real-${name}-1440-light.png` });

/** The state of a host as the range's own page shows it; another server than Tocsin, so another page of the browser. */
async function isolated(host, want) {
  const context = await browser.newContext();
  const other = await context.newPage();
  const until = Date.now() + PATIENCE;
  for (;;) {
    await other.goto(rangeUrl, { waitUntil: "domcontentloaded" });
    const is = await other.locator(`[data-host="${host}"]`).getAttribute("data-isolated");
    if (is === String(want)) break;
    assert.ok(Date.now() < until, `${host} is isolated=${is} in the range, ${want} was awaited`);
    await other.waitForTimeout(500);
  }
  await other.screenshot({ path: `${out}real-range-${want ? "isolated" : "released"}.png` });
  await context.close();
}

let rangeUrl = range ?? "";
let host = "";
try {
  await step("the one-time link asks for a password and lets one in", async () => {
    await page.goto(link);
    await page.getByLabel("New password").fill(password);
    await page.getByLabel("The same again").fill(password);
    assert.ok(!page.url().includes(link.split("#")[1] ?? "never"), "the token left the address");
    await page.getByRole("button", { name: "Set password and go in" }).click();
    await page.getByRole("heading", { level: 1, name: /wait|working/ }).waitFor();
  });

  await step("within a minute one decision waits, and Home says so", async () => {
    await page.getByRole("heading", { level: 1, name: /decisions? waits? for you/ }).waitFor();
    rangeUrl ||= await page.locator("a.demo").getAttribute("href");
    await shot("home");
  });

  await step("alerts came in as real webhooks", async () => {
    await page.getByRole("link", { name: "Alerts", exact: true }).first().click();
    await page.locator(".gridrow").nth(3).waitFor();
    await shot("alerts");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/alerts\/alr_/);
    await page.getByRole("heading", { name: "What happened" }).waitFor();
    await shot("alert");
  });

  await step("runs acted on the range", async () => {
    await page.getByRole("link", { name: "Runs", exact: true }).first().click();
    await page.locator(".gridrow", { hasText: "malware-isolate" }).first().getByRole("link").click();
    await page.waitForURL(/\/runs\/run_/);
    await page.locator(".state.waiting").first().waitFor();
    await page.locator(".node").first().waitFor();
    await page.waitForTimeout(300);
    await shot("run");
  });

  await step("the approval shows what will be sent, to what, and why", async () => {
    await page
      .getByRole("link", { name: /^Approvals/ })
      .first()
      .click();
    const first = page.locator(".ask", { hasText: "Isolate host" }).first();
    await first.click();
    await page.getByRole("heading", { level: 1, name: /Isolate host/ }).waitFor();
    host = (await page.locator(".card h1 .target").first().innerText()).trim();
    await page.getByRole("heading", { name: "Why you are asked" }).waitFor();
    await page.locator(".bytes", { hasText: host }).first().waitFor();
    await page
      .getByText(/containment needs a person/)
      .first()
      .waitFor();
    await shot("approval");
    const found = await axe(page);
    assert.deepEqual(found, [], "axe-core on the approval");
  });

  await step("a arms, and nothing has been sent", async () => {
    await page.keyboard.press("a");
    await page.getByText("Armed. Nothing has been sent.").waitFor();
    const focused = await page.evaluate(() => document.activeElement?.closest(".acts") !== null);
    assert.equal(focused, false, "the focus is not on Approve");
    await shot("armed");
  });

  await step("Enter approves; the server holds it, then it is sent", async () => {
    await page.keyboard.press("Enter");
    await page.getByText("Held.").waitFor();
    await shot("held");
    await isolated(host, true);
  });

  await step("the effect stands in the ledger", async () => {
    await page.getByRole("link", { name: "Effects", exact: true }).first().click();
    await page.locator(".effect", { hasText: "Isolate host" }).first().waitFor();
    await shot("effects");
  });

  await step("one click and its confirmation undo it", async () => {
    await page
      .getByRole("button", { name: new RegExp(`^Undo: Isolate host.*${host}`) })
      .first()
      .click();
    await page.getByLabel("Why it is undone").fill("the host was cleaned");
    await page.getByRole("button", { name: "Undo it" }).click();
    const confirm = page.getByRole("button", { name: /^Confirm:/ });
    await confirm.waitFor();
    await shot("undo-confirm");
    await confirm.click();
    await page.locator(".inline-ask .state.undone").waitFor();
    await shot("undone");
  });

  await step("the range shows the host released", () => isolated(host, false));

  await step("every other screen opens, by day and by night, wide and narrow", async () => {
    for (const [width, dark] of [
      [1440, true],
      [390, false],
      [390, true],
    ]) {
      const view = await open(browser, url, { width, dark });
      await view.page.context().addCookies(await page.context().cookies());
      for (const [name, path] of [
        ["home", "/"],
        ["alerts", "/alerts"],
        ["approvals", "/approvals"],
        ["runs", "/runs"],
        ["effects", "/effects"],
        ["playbooks", "/playbooks"],
        ["playbook", "/playbooks/malware-isolate"],
        ["integrations", "/integrations"],
        ["policies", "/policies"],
        ["schedules", "/schedules"],
        ["audit", "/audit"],
      ]) {
        await view.page.goto(path);
        await view.page.locator("h1").first().waitFor();
        await view.page.waitForFunction(() => !document.querySelector(".blank") && document.fonts.status === "loaded");
        await view.page.screenshot({ path: `${out}real-${name}-${width}-${dark ? "dark" : "light"}.png` });
        if (width === 390) {
          const over = await view.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          assert.ok(over <= 0, `${name} is ${over} px too wide on a phone`);
        }
      }
      assert.deepEqual(await view.wrong(), [], `${width} ${dark ? "dark" : "light"}`);
      await view.close();
    }
  });

  await step("nothing broke the content policy, nothing was asked of another server", async () => {
    assert.deepEqual(await tab.wrong(), []);
  });
} catch (e) {
  console.error(e instanceof Error ? e.message : e);
} finally {
  await browser.close();
}
process.exit(failed ? 1 : 0);
