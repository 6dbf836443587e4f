// What one person chooses: zone, theme, density, keys; and the way out.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { signOut } from "../features/people/api";
import { useMe, whyNot } from "../lib/me";
import { homeZone, setPrefs, type Theme, usePrefs } from "../lib/prefs";
import { halt } from "../lib/queries";
import { Menu, MenuCheck, MenuChoice, MenuItem, MenuLine } from "../ui/Menu";
import { initials, Who } from "../ui/parts";

export default function PersonMenu({ onHelp, onHalt }: { onHelp: () => void; onHalt: () => void }) {
  const me = useMe();
  const p = usePrefs();
  const navigate = useNavigate();
  const h = useQuery(halt);
  const home = homeZone();
  const zones = [...new Set(["UTC", home, p.zone])].map((z) => [z, z.replaceAll("_", " ")] as const);
  const leave = async () => {
    // Also when the server does not answer: whoever leaves must not stay signed in on this screen.
    await signOut().catch(() => {});
    await navigate({ to: "/login" });
    location.reload();
  };
  return (
    <Menu
      trigger={
        <button type="button" className="round" aria-label={`${initials(me.name)}, ${me.name}: zone, theme, log out`}>
          <Who name={me.name} />
        </button>
      }
    >
      <div className="menulabel">
        {me.name} · {me.roles.join(", ") || "no role"}
      </div>
      <MenuChoice label="Times in" value={p.zone} options={zones} onPick={(zone) => setPrefs({ zone })} />
      <MenuChoice<Theme>
        label="Theme"
        value={p.theme}
        options={[
          ["system", "As the system"],
          ["light", "Light"],
          ["dark", "Dark"],
        ]}
        onPick={(theme) => setPrefs({ theme })}
      />
      <MenuLine />
      <MenuCheck checked={!p.compact} onChange={(on) => setPrefs({ compact: !on })}>
        Roomier rows
      </MenuCheck>
      <MenuCheck
        checked={p.keys}
        onChange={(keys) => {
          setPrefs({ keys });
          document.documentElement.setAttribute("data-keys", keys ? "on" : "off");
        }}
      >
        Single-key shortcuts
      </MenuCheck>
      <MenuItem onPick={onHelp}>
        <span className="tick" />
        Help and keys
      </MenuItem>
      <MenuLine />
      {!h.data?.on && whyNot(me, "halt.on") === "" && (
        <MenuItem onPick={onHalt}>
          <span className="tick" />
          Halt all side effects
        </MenuItem>
      )}
      <MenuItem onPick={() => void leave()}>
        <span className="tick" />
        Log out
      </MenuItem>
    </Menu>
  );
}
