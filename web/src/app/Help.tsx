import { useMe } from "../lib/me";
import type { State } from "../lib/states";
import { Dialog } from "../ui/Dialog";
import { Glyph, StateMark } from "../ui/Glyph";
import { Key } from "../ui/parts";

const KEYS: readonly (readonly [where: string, rows: readonly (readonly [string, string])[]])[] = [
  [
    "Everywhere",
    [
      ["Ctrl K", "search or jump to"],
      ["n", "notifications"],
      ["?", "this page"],
      ["Esc", "close, or let go of what is armed"],
    ],
  ],
  [
    "Lists",
    [
      ["j", "next"],
      ["k", "the one before"],
      ["Enter", "open"],
    ],
  ],
  [
    "Alerts",
    [
      ["e", "close with a reason"],
      ["o", "take it"],
      ["r", "run a playbook"],
      ["x", "select"],
    ],
  ],
  [
    "Approvals",
    [
      ["a", "arm; with a low blast radius it approves at once"],
      ["Enter", "send what is armed"],
      ["d", "deny with a reason"],
      ["u", "take it back while it is held"],
    ],
  ],
];

const STATES: readonly State[] = [
  "not-started",
  "queued",
  "running",
  "waiting",
  "succeeded",
  "failed",
  "timed-out",
  "retrying",
  "skipped",
  "cancelled",
  "denied",
  "undoing",
  "undone",
  "in-doubt",
];

export default function Help({ onClose }: { onClose: () => void }) {
  const { server } = useMe();
  return (
    <Dialog open onClose={onClose} wide title="Help and keys">
      <div className="helpcols">
        {KEYS.map(([where, rows]) => (
          <section key={where}>
            <div className="sec">
              <h3>{where}</h3>
            </div>
            <dl className="facts tight">
              {rows.map(([k, does]) => (
                <div key={k} className="pair">
                  <dt>
                    <Key>{k}</Key>
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <div className="sec">
        <h3>Marks</h3>
      </div>
      <div className="marks">
        {STATES.map((s) => (
          <StateMark key={s} state={s} />
        ))}
        <span className="row six">
          <i className="hatch" /> changes other systems
        </span>
        <span className="row six">
          <Glyph name="sev-high" /> severity: four steps
        </span>
        <span>
          <span className="spoof">wavy</span> a look-alike letter
        </span>
      </div>
      <p className="muted meta">
        Single keys can be switched off in the menu of your name. Version {server.version}, instance {server.instance}.
      </p>
    </Dialog>
  );
}
