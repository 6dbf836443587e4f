// Holds the build to the budgets of web.md: what the first load of the inbox, the run view and the styles weigh.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { brotliCompressSync, gzipSync } from "node:zlib";

const dist = new URL("../dist/", import.meta.url);
const manifestFile = new URL("assets/manifest.json", dist);
if (!existsSync(manifestFile)) {
  console.log("budget: left out, the app is not built (npm run build)");
  process.exit(0);
}
const manifest = JSON.parse(readFileSync(manifestFile, "utf8"));

/** All script files that loading these entries pulls in, without what they load later. */
function files(keys, seen = new Set()) {
  for (const key of keys) {
    const chunk = manifest[key];
    if (!chunk || seen.has(chunk.file)) continue;
    seen.add(chunk.file);
    files(chunk.imports ?? [], seen);
  }
  return seen;
}
const find = (src) => Object.keys(manifest).find((k) => manifest[k].src === src) ?? src;
const read = (name) => readFileSync(new URL(name, dist));
const sum = (set, press) => [...set].reduce((n, f) => n + press(read(f)).length, 0);
const kb = (n) => `${(n / 1024).toFixed(1)} KB`;

const main = find("index.html");
const inbox = files([main, find("src/app/inbox.tsx")]);
const run = files([find("src/app/runpage.tsx"), find("src/graph/Canvas.tsx")]);
for (const f of inbox) run.delete(f);
const css = readdirSync(new URL("assets/", dist))
  .filter((f) => f.endsWith(".css"))
  .map((f) => `assets/${f}`);

const checks = [
  ["script, first load of the approvals inbox, brotli", sum(inbox, brotliCompressSync), 130 * 1024],
  ["script, run view in addition, gzip", sum(run, gzipSync), 75 * 1024],
  ["styles, whole app, gzip", sum(css, gzipSync), 25 * 1024],
];
let bad = 0;
for (const [what, is, most] of checks) {
  const ok = is <= most;
  if (!ok) bad++;
  console.log(`${ok ? "ok  " : "OVER"} ${what}: ${kb(is)} of ${kb(most)}`);
}
process.exit(bad ? 1 : 0);
