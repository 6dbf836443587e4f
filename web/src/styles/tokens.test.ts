// The promise of web.md: each state colour reads on every surface, and the six differ also for people who see fewer colours.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const css = readFileSync("src/styles/tokens.css", "utf8");
type RGB = readonly [number, number, number];

const hex = (h: string): RGB => [1, 3, 5].map((i) => Number.parseInt(h.slice(i, i + 2), 16) / 255) as unknown as RGB;
const themes: Record<"light" | "dark", Map<string, RGB>> = { light: new Map(), dark: new Map() };
for (const [, name = "", day = "", night = ""] of css.matchAll(
  /--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g,
)) {
  themes.light.set(name, hex(day));
  themes.dark.set(name, hex(night));
}
const colour = (theme: "light" | "dark", name: string): RGB => {
  const c = themes[theme].get(name);
  if (!c) throw new Error(`no token --${name}`);
  return c;
};

const linear = (v: number): number => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]: RGB): number => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
function contrast(a: RGB, b: RGB): number {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p) as [number, number];
  return (x + 0.05) / (y + 0.05);
}

// Machado et al. 2009, severity 1.0, in linear RGB.
const SIGHT: Record<string, readonly (readonly number[])[]> = {
  "all colours": [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function lab(c: RGB, sight: readonly (readonly number[])[]): [number, number, number] {
  const lin = c.map(linear);
  const [r = 0, g = 0, b = 0] = sight.map((row) =>
    Math.min(
      1,
      Math.max(
        0,
        row.reduce((s, m, i) => s + m * (lin[i] ?? 0), 0),
      ),
    ),
  );
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : (24389 / 27 / 116) * t + 16 / 116);
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** CIEDE2000 (Sharma, Wu, Dalal 2005). */
function deltaE([l1, a1, b1]: readonly number[], [l2, a2, b2]: readonly number[]): number {
  const [L1 = 0, A1 = 0, B1 = 0, L2 = 0, A2 = 0, B2 = 0] = [l1, a1, b1, l2, a2, b2];
  const rad = Math.PI / 180;
  const cBar = (Math.hypot(A1, B1) + Math.hypot(A2, B2)) / 2;
  const g = 0.5 * (1 - Math.sqrt(cBar ** 7 / (cBar ** 7 + 25 ** 7)));
  const [ap1, ap2] = [A1 * (1 + g), A2 * (1 + g)];
  const [c1, c2] = [Math.hypot(ap1, B1), Math.hypot(ap2, B2)];
  const hue = (a: number, b: number) => (a === 0 && b === 0 ? 0 : (Math.atan2(b, a) / rad + 360) % 360);
  const [h1, h2] = [hue(ap1, B1), hue(ap2, B2)];
  let dh = c1 * c2 === 0 ? 0 : h2 - h1;
  if (dh > 180) dh -= 360;
  if (dh < -180) dh += 360;
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((dh / 2) * rad);
  const lm = (L1 + L2) / 2;
  const cm = (c1 + c2) / 2;
  let hm = h1 + h2;
  if (c1 * c2 !== 0) {
    if (Math.abs(h1 - h2) <= 180) hm /= 2;
    else hm = hm < 360 ? (hm + 360) / 2 : (hm - 360) / 2;
  }
  const t =
    1 -
    0.17 * Math.cos((hm - 30) * rad) +
    0.24 * Math.cos(2 * hm * rad) +
    0.32 * Math.cos((3 * hm + 6) * rad) -
    0.2 * Math.cos((4 * hm - 63) * rad);
  const sl = 1 + (0.015 * (lm - 50) ** 2) / Math.sqrt(20 + (lm - 50) ** 2);
  const sc = 1 + 0.045 * cm;
  const sh = 1 + 0.015 * cm * t;
  const rt = -2 * Math.sqrt(cm ** 7 / (cm ** 7 + 25 ** 7)) * Math.sin(60 * Math.exp(-(((hm - 275) / 25) ** 2)) * rad);
  const [dl, dc] = [L2 - L1, c2 - c1];
  return Math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dH / sh) ** 2 + rt * (dc / sc) * (dH / sh));
}

const SURFACES = ["ground", "panel", "raised", "hover", "selected"];
const STATES = ["running", "waiting", "succeeded", "failed", "undo", "idle"];
const INKS = [
  "ink-1",
  "ink-2",
  "ink-3",
  "syn-text",
  "syn-expr",
  "syn-num",
  "syn-note",
  "high",
  "medium",
  "low",
  "info",
];

describe.each(["light", "dark"] as const)("the %s theme", (theme) => {
  test.each([...STATES, ...INKS])("--%s has at least 4.5:1 on every surface", (name) => {
    const worst = Math.min(...SURFACES.map((s) => contrast(colour(theme, name), colour(theme, s))));
    expect(worst).toBeGreaterThanOrEqual(4.5);
  });

  test("the filled chip of critical can be read", () => {
    expect(contrast(colour(theme, "on-critical"), colour(theme, "critical"))).toBeGreaterThanOrEqual(4.5);
  });

  test.each(["border", "focus"])("--%s has at least 3:1 on every surface that carries controls", (name) => {
    const worst = Math.min(
      ...["ground", "panel", "raised"].map((s) => contrast(colour(theme, name), colour(theme, s))),
    );
    expect(worst).toBeGreaterThanOrEqual(3);
  });

  test.each(Object.keys(SIGHT))("the six states differ by ΔE2000 of 11.2 with %s", (sight) => {
    const labs = STATES.map((s) => lab(colour(theme, s), SIGHT[sight] ?? []));
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < labs.length; i++)
      for (let j = i + 1; j < labs.length; j++) least = Math.min(least, deltaE(labs[i] ?? [], labs[j] ?? []));
    // To the one decimal in which the promise is given.
    expect(Math.round(least * 10) / 10).toBeGreaterThanOrEqual(11.2);
  });
});

test("ΔE2000 agrees with the published pairs", () => {
  expect(deltaE([50, 2.6772, -79.7751], [50, 0, -82.7485])).toBeCloseTo(2.0425, 4);
  expect(deltaE([2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514])).toBeCloseTo(0.9082, 4);
  expect(deltaE([50, 2.5, 0], [58, 24, 15])).toBeCloseTo(19.4535, 4);
});
