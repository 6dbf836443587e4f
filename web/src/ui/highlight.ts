// YAML and Rego for the eye: weight and tint, so that amber and red keep their meaning. Line by line; it colours, it does not judge.

export type Token = { cls: "" | "sk" | "st" | "se" | "sn" | "sc" | "sp"; text: string };

const push = (out: Token[], cls: Token["cls"], text: string) => {
  if (text) out.push({ cls, text });
};

/** Splits out ${{ … }} expressions of a piece; the rest keeps cls. */
function expressions(out: Token[], cls: Token["cls"], text: string): void {
  let from = 0;
  for (const m of text.matchAll(/\$\{\{.*?\}\}/g)) {
    push(out, cls, text.slice(from, m.index));
    push(out, "se", m[0]);
    from = m.index + m[0].length;
  }
  push(out, cls, text.slice(from));
}

/** Where a comment begins: a # at the start or after a space, outside quotes. */
function comment(line: string): number {
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string;
    if (quote) {
      if (c === quote) quote = "";
    } else if (c === '"' || c === "'") quote = c;
    else if (c === "#" && (i === 0 || /\s/.test(line[i - 1] as string))) return i;
  }
  return -1;
}

const NUMBER = /^-?\d+(\.\d+)?(ms|s|m|h|d|MiB|KiB)?$/;
const FLOW = /"(?:[^"\\]|\\.)*"|'[^']*'|[{}[\],]|[A-Za-z_][\w-]*(?=:\s)|:(?=\s|$)|[^\s"'{}[\],:]+|\s+|./g;

function value(out: Token[], text: string, cel: boolean): void {
  const trimmed = text.trim();
  if (cel && trimmed) {
    const lead = text.slice(0, text.indexOf(trimmed));
    push(out, "", lead);
    push(out, "se", trimmed);
    push(out, "", text.slice(lead.length + trimmed.length));
    return;
  }
  if (!/^["'{[]/.test(trimmed)) {
    if (NUMBER.test(trimmed)) push(out, "sn", text);
    else expressions(out, "", text);
    return;
  }
  for (const [t] of text.matchAll(FLOW)) {
    if (/^["']/.test(t)) expressions(out, "st", t);
    else if (/^[{}[\],:]$/.test(t)) push(out, "sp", t);
    else if (NUMBER.test(t)) push(out, "sn", t);
    else push(out, "", t);
  }
}

export function yamlLine(line: string): Token[] {
  const out: Token[] = [];
  const c = comment(line);
  const body = c < 0 ? line : line.slice(0, c);
  const m = /^(\s*(?:- )*)([\w.-]+|"[^"]*")(:)(\s.*|$)/.exec(body);
  if (m) {
    const [, lead = "", key = "", colon = "", rest = ""] = m;
    push(out, "sp", lead);
    push(out, "sk", key);
    push(out, "sp", colon);
    value(
      out,
      rest,
      (key === "if" || key === "while" || (key === "alert" && !/^\s*\{/.test(rest))) && !/^\s*[|>]/.test(rest),
    );
  } else {
    const item = /^(\s*(?:- )+)(.*)$/.exec(body);
    if (item) {
      push(out, "sp", item[1] ?? "");
      value(out, item[2] ?? "", false);
    } else value(out, body, false);
  }
  if (c >= 0) push(out, "sc", line.slice(c));
  return out;
}

const REGO =
  /\b(package|import|if|in|some|every|contains|not|default|else|as|with|true|false|null)\b|"(?:[^"\\]|\\.)*"|`[^`]*`|\b\d+(\.\d+)?\b/g;

export function regoLine(line: string): Token[] {
  const out: Token[] = [];
  const c = comment(line);
  const body = c < 0 ? line : line.slice(0, c);
  let from = 0;
  for (const m of body.matchAll(REGO)) {
    push(out, "", body.slice(from, m.index));
    push(out, m[1] ? "sk" : /^["`]/.test(m[0]) ? "st" : "sn", m[0]);
    from = m.index + m[0].length;
  }
  push(out, "", body.slice(from));
  if (c >= 0) push(out, "sc", line.slice(c));
  return out;
}
