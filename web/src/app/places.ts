// Where one can go: the rail, the palette and the phone's list are made from this.
import type { GlyphName } from "../ui/Sprite";

export type Place = {
  to: string;
  name: string;
  glyph: GlyphName;
  group: "work" | "Build" | "Oversight";
  words: string;
};

export const PLACES: readonly Place[] = [
  { to: "/", name: "Home", glyph: "i-home", group: "work", words: "start overview" },
  { to: "/alerts", name: "Alerts", glyph: "i-alerts", group: "work", words: "triage detections" },
  { to: "/approvals", name: "Approvals", glyph: "i-approvals", group: "work", words: "decide inbox requests" },
  { to: "/runs", name: "Runs", glyph: "i-runs", group: "work", words: "executions" },
  { to: "/playbooks", name: "Playbooks", glyph: "i-playbooks", group: "Build", words: "yaml automation" },
  {
    to: "/integrations",
    name: "Integrations",
    glyph: "i-integrations",
    group: "Build",
    words: "connections sources systems",
  },
  { to: "/policies", name: "Policies", glyph: "i-policies", group: "Build", words: "rego rules" },
  { to: "/schedules", name: "Schedules", glyph: "i-schedules", group: "Build", words: "hunts cron" },
  { to: "/effects", name: "Effects", glyph: "i-effects", group: "Oversight", words: "in force undo ledger" },
  { to: "/audit", name: "Audit log", glyph: "i-audit", group: "Oversight", words: "proof who did what" },
  { to: "/admin", name: "Admin", glyph: "i-admin", group: "Oversight", words: "people users roles teams tokens" },
];
