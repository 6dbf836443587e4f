// Every glyph of the app, drawn once; <Glyph> refers to them by name. 16 px grid, 1.4 to 1.7 px stroke.

export type GlyphName =
  | "s-not-started"
  | "s-queued"
  | "s-running"
  | "s-waiting"
  | "s-succeeded"
  | "s-failed"
  | "s-timed-out"
  | "s-retrying"
  | "s-skipped"
  | "s-cancelled"
  | "s-denied"
  | "s-undoing"
  | "s-undone"
  | "s-in-doubt"
  | "sev-info"
  | "sev-low"
  | "sev-medium"
  | "sev-high"
  | "sev-critical"
  | "v-malicious"
  | "v-suspicious"
  | "v-benign"
  | "v-unknown"
  | "i-bell"
  | "i-home"
  | "i-alerts"
  | "i-approvals"
  | "i-runs"
  | "i-playbooks"
  | "i-integrations"
  | "i-policies"
  | "i-schedules"
  | "i-effects"
  | "i-reports"
  | "i-audit"
  | "i-admin"
  | "i-search"
  | "i-right"
  | "i-down"
  | "i-left"
  | "i-up"
  | "i-close"
  | "i-plus"
  | "i-external"
  | "i-copy"
  | "i-filter"
  | "i-group"
  | "i-more"
  | "i-host"
  | "i-server"
  | "i-user"
  | "i-people"
  | "i-mail"
  | "i-globe"
  | "i-hash"
  | "i-key"
  | "i-clock"
  | "i-help"
  | "i-lock"
  | "i-play"
  | "i-retry"
  | "i-undo"
  | "i-process"
  | "i-download"
  | "i-pin"
  | "i-fit"
  | "i-minus"
  | "i-halt"
  | "tocsin";

export function Sprite() {
  return (
    <svg className="sprite" aria-hidden="true">
      <symbol id="s-not-started" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.7"
          d="M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2Z"
          strokeDasharray="0 3.1416"
        />
      </symbol>
      <symbol id="s-queued" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2Z"
        />
        <circle cx="8" cy="8" r="2.3" fill="currentColor" />
      </symbol>
      <symbol id="s-running" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeWidth="1.8"
          opacity=".32"
          d="M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2Z"
        />
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="2.2"
          d="M8 2a6 6 0 0 1 6 6"
          className="turn"
        />
      </symbol>
      <symbol id="s-waiting" viewBox="0 0 16 16">
        <path
          fill="currentColor"
          fillRule="evenodd"
          d="M8 .4 15.6 8 8 15.6 .4 8ZM5.6 5.2v5.6h1.7V5.2ZM8.7 5.2v5.6h1.7V5.2Z"
        />
      </symbol>
      <symbol id="s-succeeded" viewBox="0 0 16 16">
        <path
          fill="currentColor"
          fillRule="evenodd"
          d="M8 1a7 7 0 1 0 0 14A7 7 0 1 0 8 1ZM3.90 8.80L7.14 12.04L12.24 6.26L10.96 5.14L7.06 9.56L5.10 7.60Z"
        />
      </symbol>
      <symbol id="s-failed" viewBox="0 0 16 16">
        <path
          fill="currentColor"
          fillRule="evenodd"
          d="M14.93 10.87L10.87 14.93L5.13 14.93L1.07 10.87L1.07 5.13L5.13 1.07L10.87 1.07L14.93 5.13ZM10.30 4.50L11.50 5.70L9.20 8.00L11.50 10.30L10.30 11.50L8.00 9.20L5.70 11.50L4.50 10.30L6.80 8.00L4.50 5.70L5.70 4.50L8.00 6.80Z"
        />
      </symbol>
      <symbol id="s-timed-out" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M14.19 10.56L10.56 14.19L5.44 14.19L1.81 10.56L1.81 5.44L5.44 1.81L10.56 1.81L14.19 5.44Z"
        />
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 4.6V8l2.3 1.6"
        />
      </symbol>
      <symbol id="s-retrying" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.7"
          d="M13.2 5.2A6 6 0 1 0 14 8"
        />
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.7"
          d="M13.6 1.8v3.6H10"
        />
      </symbol>
      <symbol id="s-skipped" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.6"
          d="M1.5 8h9M7.2 4.4 10.8 8l-3.6 3.6M14 3.2v9.6"
        />
      </symbol>
      <symbol id="s-cancelled" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2Z"
        />
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.7"
          d="M5 8h6"
        />
      </symbol>
      <symbol id="s-denied" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2Z"
        />
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.6"
          d="M3.9 12.1 12.1 3.9"
        />
      </symbol>
      <symbol id="s-undoing" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.7"
          d="M2.8 5.2A6 6 0 1 1 2 8"
        />
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.7"
          d="M2.4 1.8v3.6H6"
        />
        <circle cx="8" cy="8" r="1.5" fill="currentColor" />
      </symbol>
      <symbol id="s-undone" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.7"
          d="M5.6 2.6 2 6.2l3.6 3.6M2.4 6.2h7.4a3.8 3.8 0 0 1 0 7.6H6.4"
        />
      </symbol>
      <symbol id="s-in-doubt" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2Z"
        />
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M6.2 6.4a1.9 1.9 0 1 1 2.6 1.8c-.6.25-.8.6-.8 1.2"
        />
        <circle cx="8" cy="11.4" r=".95" fill="currentColor" />
      </symbol>

      <symbol id="sev-info" viewBox="0 0 16 16">
        <rect
          x="1.45"
          y="10.95"
          width="2"
          height="3.1"
          rx=".3"
          fill="none"
          stroke="currentColor"
          strokeWidth=".9"
          opacity=".55"
        />
        <rect
          x="5.15"
          y="7.95"
          width="2"
          height="6.1"
          rx=".3"
          fill="none"
          stroke="currentColor"
          strokeWidth=".9"
          opacity=".55"
        />
        <rect
          x="8.85"
          y="4.95"
          width="2"
          height="9.1"
          rx=".3"
          fill="none"
          stroke="currentColor"
          strokeWidth=".9"
          opacity=".55"
        />
        <rect
          x="12.55"
          y="1.95"
          width="2"
          height="12.1"
          rx=".3"
          fill="none"
          stroke="currentColor"
          strokeWidth=".9"
          opacity=".55"
        />
      </symbol>
      <symbol id="sev-low" viewBox="0 0 16 16">
        <rect x="1.0" y="10.5" width="2.9" height="4" rx=".5" fill="currentColor" />
        <rect
          x="5.15"
          y="7.95"
          width="2"
          height="6.1"
          rx=".3"
          fill="none"
          stroke="currentColor"
          strokeWidth=".9"
          opacity=".55"
        />
        <rect
          x="8.85"
          y="4.95"
          width="2"
          height="9.1"
          rx=".3"
          fill="none"
          stroke="currentColor"
          strokeWidth=".9"
          opacity=".55"
        />
        <rect
          x="12.55"
          y="1.95"
          width="2"
          height="12.1"
          rx=".3"
          fill="none"
          stroke="currentColor"
          strokeWidth=".9"
          opacity=".55"
        />
      </symbol>
      <symbol id="sev-medium" viewBox="0 0 16 16">
        <rect x="1.0" y="10.5" width="2.9" height="4" rx=".5" fill="currentColor" />
        <rect x="4.7" y="7.5" width="2.9" height="7" rx=".5" fill="currentColor" />
        <rect
          x="8.85"
          y="4.95"
          width="2"
          height="9.1"
          rx=".3"
          fill="none"
          stroke="currentColor"
          strokeWidth=".9"
          opacity=".55"
        />
        <rect
          x="12.55"
          y="1.95"
          width="2"
          height="12.1"
          rx=".3"
          fill="none"
          stroke="currentColor"
          strokeWidth=".9"
          opacity=".55"
        />
      </symbol>
      <symbol id="sev-high" viewBox="0 0 16 16">
        <rect x="1.0" y="10.5" width="2.9" height="4" rx=".5" fill="currentColor" />
        <rect x="4.7" y="7.5" width="2.9" height="7" rx=".5" fill="currentColor" />
        <rect x="8.4" y="4.5" width="2.9" height="10" rx=".5" fill="currentColor" />
        <rect
          x="12.55"
          y="1.95"
          width="2"
          height="12.1"
          rx=".3"
          fill="none"
          stroke="currentColor"
          strokeWidth=".9"
          opacity=".55"
        />
      </symbol>
      <symbol id="sev-critical" viewBox="0 0 16 16">
        <rect x="1.0" y="10.5" width="2.9" height="4" rx=".5" fill="currentColor" />
        <rect x="4.7" y="7.5" width="2.9" height="7" rx=".5" fill="currentColor" />
        <rect x="8.4" y="4.5" width="2.9" height="10" rx=".5" fill="currentColor" />
        <rect x="12.1" y="1.5" width="2.9" height="13" rx=".5" fill="currentColor" />
      </symbol>

      <symbol id="v-malicious" viewBox="0 0 16 16">
        <path fill="currentColor" d="M8 1.2 15.4 14.4H.6Z" />
      </symbol>
      <symbol id="v-suspicious" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.6"
          d="M8 2.4 14.2 13.5H1.8Z"
        />
      </symbol>
      <symbol id="v-benign" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.9"
          d="M3 8.4 6.6 12 13.2 4.6"
        />
      </symbol>
      <symbol id="v-unknown" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.6"
          d="M5.2 5.4a2.9 2.9 0 1 1 4.1 2.7C8.4 8.6 8 9.1 8 10.1"
        />
        <circle cx="8" cy="13" r="1.05" fill="currentColor" />
      </symbol>

      <symbol id="i-bell" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 1.8v1M3.6 11.4c1-1.1 1.2-2.6 1.2-4.2a3.2 3.2 0 0 1 6.4 0c0 1.6.2 3.1 1.2 4.2ZM6.6 13.6a1.5 1.5 0 0 0 2.8 0"
        />
      </symbol>
      <symbol id="i-home" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2.2 7.4 8 2.4l5.8 5M3.8 6.4v7.2h8.4V6.4M6.6 13.6v-4h2.8v4"
        />
      </symbol>
      <symbol id="i-alerts" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 2 14.4 13.4H1.6ZM8 6.4v3.2M8 11.6v.1"
        />
      </symbol>
      <symbol id="i-approvals" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 1.8 14.2 8 8 14.2 1.8 8ZM5.6 8.1l1.7 1.7 3.1-3.5"
        />
      </symbol>
      <symbol id="i-runs" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2 4h3.2c3 0 2.8 8 5.8 8H14M11.8 9.8 14 12l-2.2 2.2M9.4 4H14M11.8 1.8 14 4l-2.2 2.2"
        />
      </symbol>
      <symbol id="i-playbooks" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M3 2.2h8.4a1.6 1.6 0 0 1 1.6 1.6v10H4.4A1.4 1.4 0 0 1 3 12.4ZM3 12.4a1.4 1.4 0 0 1 1.4-1.4H13M5.8 5.2h4.4M5.8 7.8h2.8"
        />
      </symbol>
      <symbol id="i-integrations" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M5.6 1.8v3.4M10.4 1.8v3.4M3.6 5.2h8.8v2.2a4.4 4.4 0 0 1-8.8 0ZM8 11.8v2.6"
        />
      </symbol>
      <symbol id="i-policies" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 2v12M4.6 14h6.8M2.6 4.6 8 3.4l5.4 1.2M2.6 4.6.9 9h3.4ZM13.4 4.6 11.7 9h3.4ZM.9 9a1.7 1.7 0 0 0 3.4 0M11.7 9a1.7 1.7 0 0 0 3.4 0"
        />
      </symbol>
      <symbol id="i-schedules" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2.4 3.4h11.2v10.2H2.4ZM2.4 6.6h11.2M5.2 1.8v2.6M10.8 1.8v2.6M8 8.6v2l1.4.9"
        />
      </symbol>
      <symbol id="i-effects" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 4.2v9.6M3 9.4c.3 2.8 2.2 4.4 5 4.4s4.7-1.6 5-4.4M5.4 6.8h5.2M8 4.2a1.3 1.3 0 1 0 0-2.6 1.3 1.3 0 0 0 0 2.6Z"
        />
      </symbol>
      <symbol id="i-reports" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2.4 2.2v11.4h11.4M5.4 11V8.2M8.4 11V4.8M11.4 11V6.6"
        />
      </symbol>
      <symbol id="i-audit" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M3 2.2h7.2L13 5v8.8H3ZM5.6 6.4h4.8M5.6 8.8h4.8M5.6 11.2h2.4"
        />
      </symbol>
      <symbol id="i-admin" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2 4.6h6M11.4 4.6H14M2 11.4h2.6M8 11.4h6M9.7 6.3a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4ZM6.3 13.1a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4Z"
        />
      </symbol>
      <symbol id="i-search" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M7 11.8a4.8 4.8 0 1 0 0-9.6 4.8 4.8 0 0 0 0 9.6ZM10.6 10.6 14 14"
        />
      </symbol>
      <symbol id="i-right" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M6 3.4 10.6 8 6 12.6"
        />
      </symbol>
      <symbol id="i-down" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M3.4 6 8 10.6 12.6 6"
        />
      </symbol>
      <symbol id="i-left" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M10 3.4 5.4 8l4.6 4.6"
        />
      </symbol>
      <symbol id="i-up" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M3.4 10 8 5.4 12.6 10"
        />
      </symbol>
      <symbol id="i-close" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M3.6 3.6l8.8 8.8M12.4 3.6l-8.8 8.8"
        />
      </symbol>
      <symbol id="i-plus" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 2.8v10.4M2.8 8h10.4"
        />
      </symbol>
      <symbol id="i-external" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M9.4 2.4h4.2v4.2M13.4 2.6 7.6 8.4M11.6 9.6v4H2.4V4.4h4"
        />
      </symbol>
      <symbol id="i-copy" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M5.6 5.6h8v8h-8ZM10.4 5.4v-3h-8v8h3"
        />
      </symbol>
      <symbol id="i-filter" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2 3.4h12M4.2 8h7.6M6.6 12.6h2.8"
        />
      </symbol>
      <symbol id="i-group" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2.4 3h11.2v3.4H2.4ZM2.4 9.6h11.2V13H2.4Z"
        />
      </symbol>
      <symbol id="i-more" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="2.2"
          d="M3 8h.1M8 8h.1M13 8h.1"
        />
      </symbol>
      <symbol id="i-host" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M3.4 3h9.2v7H3.4ZM1.4 13h13.2M1.8 13l1.6-3M14.2 13l-1.6-3"
        />
      </symbol>
      <symbol id="i-server" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2.6 2.6h10.8v4.4H2.6ZM2.6 9h10.8v4.4H2.6ZM5 4.8h.1M5 11.2h.1"
        />
      </symbol>
      <symbol id="i-user" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 7.6a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6ZM2.6 14c.4-3 2.4-4.4 5.4-4.4S13 11 13.4 14"
        />
      </symbol>
      <symbol id="i-people" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M6 7.4a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8ZM1.4 13.4c.3-2.6 2-3.8 4.6-3.8s4.3 1.2 4.6 3.8M10.6 2.8a2.4 2.4 0 0 1 0 4.5M12.2 9.9c1.5.5 2.3 1.6 2.5 3.5"
        />
      </symbol>
      <symbol id="i-mail" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2 3.6h12v8.8H2ZM2.2 4l5.8 5 5.8-5"
        />
      </symbol>
      <symbol id="i-globe" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2ZM2.2 8h11.6M8 2c-2.2 2-2.4 4-2.4 6s.2 4 2.4 6c2.2-2 2.4-4 2.4-6S10.2 4 8 2Z"
        />
      </symbol>
      <symbol id="i-hash" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M6.2 2.4 4.8 13.6M11.2 2.4 9.8 13.6M2.4 5.8h11.6M2 10.2h11.6"
        />
      </symbol>
      <symbol id="i-key" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M10 8.6a3.3 3.3 0 1 0-2.6-2.6L2.2 11.2v2.6h2.6v-1.8h1.8v-1.8Z"
        />
      </symbol>
      <symbol id="i-clock" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2ZM8 4.8V8l2.2 1.6"
        />
      </symbol>
      <symbol id="i-help" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M5.2 5.4a2.9 2.9 0 1 1 4.1 2.7C8.4 8.6 8 9.1 8 10.1M8 13v.1"
        />
      </symbol>
      <symbol id="i-lock" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M3.4 7.2h9.2v6.4H3.4ZM5.2 7V5.2a2.8 2.8 0 0 1 5.6 0V7"
        />
      </symbol>
      <symbol id="i-play" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M4.6 2.6v10.8L13 8Z"
        />
      </symbol>
      <symbol id="i-retry" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M13.2 5.2A6 6 0 1 0 14 8M13.6 1.8v3.6H10"
        />
      </symbol>
      <symbol id="i-undo" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M5.6 2.6 2 6.2l3.6 3.6M2.4 6.2h7.4a3.8 3.8 0 0 1 0 7.6H6.4"
        />
      </symbol>
      <symbol id="i-process" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2 3h12v10H2ZM4.4 6l2 2-2 2M8.4 10h3"
        />
      </symbol>
      <symbol id="i-download" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M8 2v8M4.6 6.8 8 10.2l3.4-3.4M2.4 13.6h11.2"
        />
      </symbol>
      <symbol id="i-pin" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2.4 2.4h11.2v11.2H2.4ZM2.4 8h11.2M8 2.4v11.2"
        />
      </symbol>
      <symbol id="i-fit" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2.4 5.6V2.4h3.2M10.4 2.4h3.2v3.2M13.6 10.4v3.2h-3.2M5.6 13.6H2.4v-3.2"
        />
      </symbol>
      <symbol id="i-minus" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M2.8 8h10.4"
        />
      </symbol>
      <symbol id="i-halt" viewBox="0 0 16 16">
        <path
          fill="none"
          stroke="currentColor"
          strokeLinecap="round"
          strokeLinejoin="round"
          strokeWidth="1.5"
          d="M5.4 2h5.2L14 5.4v5.2L10.6 14H5.4L2 10.6V5.4ZM5.6 8h4.8"
        />
      </symbol>

      <symbol id="tocsin" viewBox="0 0 16 16">
        <path
          fill="currentColor"
          d="M8 1.200c.700 0 1.200.500 1.200 1.200v.200c2 .500 3.200 2.200 3.200 4.500 0 2 .400 3.200 1.700 4.500H1.900c1.300-1.300 1.700-2.500 1.700-4.500 0-2.300 1.200-4 3.200-4.500v-.200c0-.700.500-1.200 1.200-1.200Z"
        />
        <path fill="currentColor" d="M5.800 13h4.400a2.200 2.200 0 0 1-4.400 0Z" />
      </symbol>
    </svg>
  );
}
