// Writes src/gen/api.ts anew from the server's OpenAPI document: given as a file or an address, else asked of the binary.
// With --check it writes nothing and fails when the committed file differs.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const check = process.argv.includes("--check");
const from = process.argv.slice(2).find((a) => !a.startsWith("--"));
const root = new URL("../", import.meta.url).pathname;
const dir = mkdtempSync(join(tmpdir(), "tocsin-gen-"));
const doc = join(dir, "openapi.json");

if (from?.startsWith("http")) writeFileSync(doc, await (await fetch(from)).text());
else if (from) writeFileSync(doc, readFileSync(from));
else
  writeFileSync(
    doc,
    execFileSync("go", ["run", "./server/cmd/tocsin", "openapi"], { cwd: join(root, ".."), maxBuffer: 1 << 26 }),
  );

const out = join(dir, "api.ts");
execFileSync(join(root, "node_modules/.bin/openapi-typescript"), [doc, "-o", out], { stdio: "ignore" });
const text = readFileSync(out, "utf8");
const target = join(root, "src/gen/api.ts");
if (!check) writeFileSync(target, text);
else if (readFileSync(target, "utf8") !== text) {
  console.error("src/gen/api.ts does not fit the server's OpenAPI document: run npm run gen");
  process.exit(1);
}
