// Addresses to screens: what is in the address is handed in, what combines features happens here.
import { getRouteApi, Link } from "@tanstack/react-router";
import { AlertScreen } from "../features/alerts/AlertScreen";
import { AlertsScreen } from "../features/alerts/AlertsScreen";
import { InlineRequest } from "../features/approvals/InlineRequest";
import { AuditScreen } from "../features/audit/AuditScreen";
import { EffectsScreen } from "../features/effects/EffectsScreen";
import { IntegrationsScreen } from "../features/integrations/IntegrationsScreen";
import { PlaybooksScreen } from "../features/playbooks/PlaybooksScreen";
import { PoliciesScreen } from "../features/policies/PoliciesScreen";
import { RunsScreen } from "../features/runs/RunsScreen";
import { SchedulesScreen } from "../features/schedules/SchedulesScreen";
import { isId } from "../lib/ids";
import { Glyph } from "../ui/Glyph";
import { PLACES } from "./places";
import { Missing } from "./Shell";

const alerts = getRouteApi("/inside/alerts");
const alert = getRouteApi("/inside/alerts/$id");
const runs = getRouteApi("/inside/runs");
const playbooks = getRouteApi("/inside/playbooks");
const integrations = getRouteApi("/inside/integrations");
const policies = getRouteApi("/inside/policies");
const effects = getRouteApi("/inside/effects");
const audit = getRouteApi("/inside/audit");

export function AlertsPage() {
  return <AlertsScreen search={alerts.useSearch()} />;
}

export function AlertPage() {
  const { id } = alert.useParams();
  return isId("alr_", id) ? <AlertScreen id={id} key={id} /> : <Missing />;
}

export function RunsPage() {
  return <RunsScreen search={runs.useSearch()} />;
}

export function PlaybooksPage() {
  return <PlaybooksScreen q={playbooks.useSearch().q} />;
}

export function IntegrationsPage() {
  return <IntegrationsScreen search={integrations.useSearch()} />;
}

export function PoliciesPage() {
  return <PoliciesScreen module={policies.useSearch().module} />;
}

export function SchedulesPage() {
  return <SchedulesScreen />;
}

export function EffectsPage() {
  return <EffectsScreen search={effects.useSearch()} request={(run) => <InlineRequest run={run} />} />;
}

export function AuditPage() {
  return <AuditScreen search={audit.useSearch()} />;
}

/** The phone's list of everything that has no place in the bottom bar. */
export function MorePage() {
  return (
    <>
      <div className="head lined">
        <h1>More</h1>
      </div>
      <nav className="scroll more-list" aria-label="More places">
        {PLACES.filter((p) => !["/alerts", "/approvals", "/runs"].includes(p.to)).map((p) => (
          <Link key={p.to} to={p.to}>
            <Glyph name={p.glyph} />
            {p.name}
          </Link>
        ))}
      </nav>
    </>
  );
}
