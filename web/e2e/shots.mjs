// Pictures of every screen, to be looked at beside the design's: 1440, 1024, 390; by day and by night.
import { mkdirSync } from "node:fs";
import { launch, open } from "./browser.mjs";
import { serve } from "./fixtures/server.mjs";
import { APR, effects, FIN, RUN } from "./fixtures/story.mjs";

const out = new URL("./shots/", import.meta.url).pathname;
mkdirSync(out, { recursive: true });
const only = process.argv[2];
const key = (k) => (page) => page.keyboard.press(k);

export const SCREENS = [
  ["home", "/"],
  ["alerts", "/alerts"],
  ["alert", `/alerts/${FIN.id}`],
  ["approvals", `/approvals/${APR.iso}`],
  ["approvals-list", "/approvals"],
  ["approvals-armed", `/approvals/${APR.iso}`, key("a")],
  ["approval-deny", `/approvals/${APR.iso}`, key("d")],
  ["approval-question", `/approvals/${APR.dc}`],
  ["approval-held", `/approvals/${APR.done}`],
  ["approval-not-yours", `/approvals/${APR.img}`],
  ["runs", "/runs"],
  ["run", `/runs/${RUN.main}`],
  ["run-list", `/runs/${RUN.main}?view=list`],
  ["run-journal", `/runs/${RUN.main}?view=journal`],
  ["run-policy", `/runs/${RUN.main}?tab=policy`],
  ["effects", "/effects"],
  ["effects-undo", `/effects?undo=${effects[0].id}`],
  ["playbooks", "/playbooks"],
  ["playbook", "/playbooks/malware-isolate?step=contain%2Fisolate"],
  ["playbook-run", "/playbooks/malware-isolate?run=form"],
  ["integrations", "/integrations"],
  ["catalogue", "/integrations?tab=catalogue"],
  ["sources", "/integrations?tab=sources"],
  ["connection-form", "/integrations", (page) => page.getByRole("button", { name: "New connection" }).click()],
  ["source-form", "/integrations?tab=sources", (page) => page.getByRole("button", { name: "New source" }).click()],
  ["admin", "/admin"],
  ["admin-tokens", "/admin?tab=tokens"],
  ["policies", "/policies"],
  ["schedules", "/schedules"],
  ["audit", "/audit"],
  ["more", "/more"],
  ["login", "/login?next=%2Fapprovals"],
  ["link", "/link#token=abc"],
  ["notifications", "/", key("n")],
  ["help", "/", key("?")],
  ["palette", "/", key("Control+k")],
];

if (process.argv[1]?.endsWith("shots.mjs")) {
  const browser = await launch();
  const sizes = (process.env.SIZES ?? "1440,1024,390").split(",").map(Number);
  const themes = (process.env.THEMES ?? "light,dark").split(",");
  for (const width of sizes)
    for (const theme of themes) {
      const server = await serve({ frozen: true });
      const tab = await open(browser, server.url, { width, dark: theme === "dark" });
      for (const [name, path, act] of SCREENS) {
        if (only && !name.split(",").some((n) => only.split(",").includes(n))) continue;
        await tab.page.goto(path, { waitUntil: "networkidle" }).catch(() => {});
        await tab.page
          .waitForFunction(
            () =>
              document.querySelector("h1, h2") &&
              !document.querySelector(".blank") &&
              document.fonts.status === "loaded",
            null,
            { timeout: 20000 },
          )
          .catch(() => console.log(`${name} ${width}: did not settle`));
        await tab.page.waitForTimeout(120);
        if (act) {
          await act(tab.page);
          await tab.page.waitForTimeout(250);
        }
        await tab.page.screenshot({ path: `${out}${name}-${width}-${theme}.png` });
      }
      for (const w of await tab.wrong()) console.log(`${width} ${theme}: ${w}`);
      await tab.close();
      await server.close();
    }
  await browser.close();
}
