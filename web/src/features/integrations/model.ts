import type { Connection, ConnectionWish, Integration, Source, SourceWish } from "../../lib/wire";

/** A connection as it stands in the form; texts, as they are typed. */
export type Draft = {
  name: string;
  integration: string;
  environment: string;
  base_url: string;
  auth: string;
  fields: Record<string, string>;
  egress: string;
  tags: string;
  per_second: string;
  concurrency: string;
  isDefault: boolean;
};

export const emptyDraft = (i: Integration | undefined): Draft => ({
  name: i?.id ?? "",
  integration: i?.id ?? "",
  environment: "production",
  base_url: "",
  auth: i?.auth?.[0]?.type ?? "",
  fields: {},
  egress: "",
  tags: "",
  per_second: "",
  concurrency: "",
  isDefault: false,
});

export const draftOf = (c: Connection): Draft => ({
  name: c.name,
  integration: c.integration,
  environment: c.environment,
  base_url: c.base_url,
  auth: c.auth.type === "none" ? "" : c.auth.type,
  fields: {},
  egress: (c.egress.allow ?? []).join("\n"),
  tags: (c.tags ?? []).join(", "),
  per_second: c.rate.per_second > 0 ? String(c.rate.per_second) : "",
  concurrency: String(c.concurrency),
  isDefault: c.default,
});

const words = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

/** What is sent. Secrets that were not typed are left out: they stay as they are. */
export function wishOf(d: Draft, before: Connection | null): ConnectionWish {
  const fields = Object.fromEntries(Object.entries(d.fields).filter(([, v]) => v !== ""));
  const rate = Number(d.per_second);
  return {
    name: d.name.trim(),
    integration: d.integration,
    environment: d.environment.trim(),
    base_url: d.base_url.trim(),
    tags: words(d.tags),
    egress: { allow: words(d.egress) },
    default: d.isDefault,
    disabled: before?.disabled ?? false,
    idempotent: before?.idempotent ?? false,
    ...(d.auth ? { auth: { type: d.auth, ...fields } } : {}),
    ...(rate > 0 ? { rate: { per_second: rate, burst: Math.max(1, before?.rate.burst || Math.ceil(rate * 2)) } } : {}),
    ...(Number(d.concurrency) > 0 ? { concurrency: Number(d.concurrency) } : {}),
  };
}

/** The same connection, switched off or on. */
export const switched = (c: Connection, disabled: boolean): ConnectionWish => ({
  ...wishOf(draftOf(c), c),
  disabled,
});

/** What in a change drops the stored secret, in words; "" where it stays. */
export function drops(d: Draft, c: Connection | null): string {
  if (!c || (c.auth.set ?? []).length === 0) return "";
  const was = draftOf(c);
  const changed = [
    d.base_url.trim() !== was.base_url && "another address",
    d.auth !== was.auth && "another kind of authentication",
    words(d.egress).join() !== words(was.egress).join() && "other allowed addresses",
  ].filter(Boolean);
  return changed.join(" and ");
}

type Placed = { places?: readonly { at: string; message: string }[] };

/** What the server says of a field, by where its pointer begins. */
export function errorAt(error: unknown, ...pointers: string[]): string {
  const places = (error as Placed | null)?.places ?? [];
  return places
    .filter((p) => pointers.some((x) => p.at === x || p.at.startsWith(`${x}/`)))
    .map((p) => p.message)
    .join(" ");
}

/** A source as it stands in the form. */
export type SourceDraft = { name: string; mapping: string; way: string; username: string; delivery: string };

export const WAYS: readonly (readonly [way: string, words: string])[] = [
  ["hmac/tocsin", "signed (X-Signature over time and body)"],
  ["hmac/github", "signed as GitHub does"],
  ["hmac/stripe", "signed as Stripe does"],
  ["hmac/standard", "signed as Standard Webhooks"],
  ["bearer", "a token in the header Authorization"],
  ["basic", "user name and password"],
];

export const sourceDraft = (s: Source | null): SourceDraft => ({
  name: s?.name ?? "",
  mapping: s?.spec?.mapping ?? "generic",
  way: s?.spec ? s.spec.auth + (s.spec.style ? `/${s.spec.style}` : "") : "hmac/tocsin",
  username: s?.spec?.username ?? "",
  delivery: s?.spec?.delivery ?? "",
});

export function sourceWish(d: SourceDraft, before: Source | null, rotation: "" | "replace" | "add"): SourceWish {
  const [auth = "", style = ""] = d.way.split("/");
  const spec = before?.spec;
  const other = spec && spec.auth !== auth;
  const own = spec && !spec.mapping && !d.mapping;
  return {
    name: d.name.trim(),
    auth,
    style,
    username: d.username.trim(),
    delivery: d.delivery.trim(),
    disabled: before?.disabled ?? false,
    ...(own
      ? { items: spec.items, closes: spec.closes, when: spec.when, map: spec.map ?? {} }
      : { mapping: d.mapping }),
    ...(spec ? { key: spec.key, window: spec.window, per_second: spec.per_second, body: spec.body } : {}),
    ...(rotation || other ? { rotation: rotation || "replace" } : {}),
  };
}
