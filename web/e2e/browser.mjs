// The distribution's Chromium, driven without a download, and what every page of a test watches for.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const axeSource = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

export const SIZES = {
  1440: { width: 1440, height: 900 },
  1024: { width: 1024, height: 900 },
  390: { width: 390, height: 844 },
};

/** A page that remembers everything that should not happen: errors, policy violations, requests elsewhere. */
export async function open(browser, base, { width = 1440, dark = false, scale } = {}) {
  const context = await browser.newContext({
    viewport: SIZES[width] ?? { width, height: 900 },
    colorScheme: dark ? "dark" : "light",
    reducedMotion: "reduce",
    deviceScaleFactor: scale ?? (width === 390 ? 2 : 1),
    hasTouch: width === 390,
    baseURL: base,
    locale: "en-GB",
    timezoneId: "UTC",
  });
  const page = await context.newPage();
  const bad = [];
  page.on("console", (m) => {
    if (m.type() === "error" || /Content Security Policy|TrustedHTML|TrustedScript/.test(m.text()))
      bad.push(`console: ${m.text()}`);
  });
  page.on("pageerror", (e) => bad.push(`page: ${e.message}`));
  page.on("dialog", (d) => {
    bad.push(`dialog: ${d.message()}`);
    void d.dismiss();
  });
  page.on("response", (r) => {
    if (r.status() >= 400 && !r.url().includes("/api/")) bad.push(`${r.status()}: ${r.url()}`);
  });
  page.on("request", (r) => {
    if (!r.url().startsWith(base) && !r.url().startsWith("data:") && !r.url().startsWith("blob:"))
      bad.push(`elsewhere: ${r.url()}`);
  });
  await page.addInitScript(() => {
    window.__csp = [];
    document.addEventListener("securitypolicyviolation", (e) =>
      window.__csp.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`),
    );
  });
  return {
    page,
    bad,
    /** What went wrong so far; known, expected console lines may be left out by a pattern. */
    async wrong(allow) {
      const csp = page.isClosed() ? [] : await page.evaluate(() => window.__csp ?? []);
      const all = [...bad, ...csp.map((v) => `csp: ${v}`)];
      return allow ? all.filter((x) => !allow.test(x)) : all;
    },
    close: () => context.close(),
  };
}

/** axe-core through the DevTools protocol: the policy forbids script tags. */
export async function axe(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axeSource });
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    expression: `axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }, resultTypes: ["violations"] }).then((r) => JSON.stringify(r.violations.map((v) => ({ id: v.id, impact: v.impact, nodes: v.nodes.slice(0, 6).map((n) => n.target.join(" ") + "  " + (n.any[0]?.message ?? n.all[0]?.message ?? n.none[0]?.message ?? "") ) }))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  if (exceptionDetails) throw new Error(`axe: ${exceptionDetails.text}`);
  return JSON.parse(result.value);
}
