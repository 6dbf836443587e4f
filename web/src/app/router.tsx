// The addresses of the app. Every filter stands in the address, so that a view can be sent to a colleague.
import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from "@tanstack/react-router";
import { Refusal } from "../lib/api";
import { me } from "../lib/me";
import { Failure } from "../ui/States";
import { Missing, Shell } from "./Shell";

type Context = { client: QueryClient };
type Raw = Record<string, unknown>;

const text = (raw: Raw, key: string): string | undefined => {
  const v = raw[key];
  // The router reads numbers and booleans out of the address; here they are words.
  return typeof v === "string" || typeof v === "number" || typeof v === "boolean" ? String(v) : undefined;
};
/** All of a view's filters may be absent. */
const some = <T extends object>(o: T): Partial<T> => o;
const word = <T extends string>(raw: Raw, key: string, words: readonly T[]): T | undefined =>
  words.find((w) => w === raw[key]);

const root = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: Missing });

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  validateSearch: (raw: Raw): { next?: string | undefined } => ({ next: text(raw, "next") }),
  component: lazyRouteComponent(() => import("./doors"), "LoginPage"),
});

const link = createRoute({
  getParentRoute: () => root,
  path: "/link",
  component: lazyRouteComponent(() => import("./doors"), "LinkPage"),
});

const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  beforeLoad: async ({ context, location }) => {
    try {
      await context.client.ensureQueryData(me);
    } catch (e) {
      if (e instanceof Refusal && e.status === 401)
        throw redirect({ to: "/login", search: { next: location.href === "/" ? undefined : location.href } });
      throw e;
    }
  },
  errorComponent: ({ error, reset }) => <Failure what="Tocsin could not be reached." error={error} retry={reset} />,
});

const home = createRoute({
  getParentRoute: () => inside,
  path: "/",
  component: lazyRouteComponent(() => import("./Home"), "Home"),
});

const alertSearch = (raw: Raw) =>
  some({
    severity: word(raw, "severity", ["critical", "high", "medium", "low", "informational"]),
    status: word(raw, "status", ["new", "in_progress", "closed"]),
    source: text(raw, "source"),
    owner: text(raw, "owner"),
    q: text(raw, "q"),
    sort: word(raw, "sort", [
      "-last_seen",
      "last_seen",
      "-severity",
      "severity",
      "-count",
      "count",
      "-created_at",
      "created_at",
    ]),
  });
const alerts = createRoute({
  getParentRoute: () => inside,
  path: "/alerts",
  validateSearch: alertSearch,
  component: lazyRouteComponent(() => import("./pages"), "AlertsPage"),
});
const alert = createRoute({
  getParentRoute: () => inside,
  path: "/alerts/$id",
  component: lazyRouteComponent(() => import("./pages"), "AlertPage"),
});

const approvalSearch = (raw: Raw) =>
  some({
    tab: word(raw, "tab", ["team", "decided"]),
    group: word(raw, "group", ["playbook", "target"]),
    q: text(raw, "q"),
  });
const approvals = createRoute({
  getParentRoute: () => inside,
  path: "/approvals",
  validateSearch: approvalSearch,
  component: lazyRouteComponent(() => import("./inbox"), "InboxPage"),
});
const approval = createRoute({
  getParentRoute: () => inside,
  path: "/approvals/$id",
  validateSearch: approvalSearch,
  component: lazyRouteComponent(() => import("./inbox"), "InboxItemPage"),
});

const runs = createRoute({
  getParentRoute: () => inside,
  path: "/runs",
  validateSearch: (raw: Raw) =>
    some({
      status: word(raw, "status", ["queued", "running", "waiting", "succeeded", "failed", "cancelled"]),
      playbook: text(raw, "playbook"),
      waiting: word(raw, "waiting", [
        "approval",
        "question",
        "timer",
        "event",
        "connection",
        "concurrency",
        "in_doubt",
        "halt",
      ]),
      since: text(raw, "since"),
    }),
  component: lazyRouteComponent(() => import("./pages"), "RunsPage"),
});
const run = createRoute({
  getParentRoute: () => inside,
  path: "/runs/$id",
  validateSearch: (raw: Raw) =>
    some({
      step: text(raw, "step"),
      view: word(raw, "view", ["list", "journal"]),
      tab: word(raw, "tab", ["input", "output", "policy", "attempts", "log"]),
      state: text(raw, "state"),
    }),
  component: lazyRouteComponent(() => import("./runpage"), "RunPage"),
});

const playbooks = createRoute({
  getParentRoute: () => inside,
  path: "/playbooks",
  validateSearch: (raw: Raw) => some({ q: text(raw, "q") }),
  component: lazyRouteComponent(() => import("./pages"), "PlaybooksPage"),
});
const playbook = createRoute({
  getParentRoute: () => inside,
  path: "/playbooks/$name",
  validateSearch: (raw: Raw) =>
    some({
      step: text(raw, "step"),
      version: text(raw, "version"),
      alert: text(raw, "alert"),
      run: word(raw, "run", ["form"]),
    }),
  component: lazyRouteComponent(() => import("./playbookpage"), "PlaybookPage"),
});

const integrations = createRoute({
  getParentRoute: () => inside,
  path: "/integrations",
  validateSearch: (raw: Raw) => some({ tab: word(raw, "tab", ["catalogue", "sources"]), at: text(raw, "at") }),
  component: lazyRouteComponent(() => import("./pages"), "IntegrationsPage"),
});
const policies = createRoute({
  getParentRoute: () => inside,
  path: "/policies",
  validateSearch: (raw: Raw) => some({ module: text(raw, "module") }),
  component: lazyRouteComponent(() => import("./pages"), "PoliciesPage"),
});
const schedules = createRoute({
  getParentRoute: () => inside,
  path: "/schedules",
  component: lazyRouteComponent(() => import("./pages"), "SchedulesPage"),
});
const effects = createRoute({
  getParentRoute: () => inside,
  path: "/effects",
  validateSearch: (raw: Raw) =>
    some({
      tab: word(raw, "tab", ["ended"]),
      target: text(raw, "target"),
      run: text(raw, "run"),
      undo: text(raw, "undo"),
    }),
  component: lazyRouteComponent(() => import("./pages"), "EffectsPage"),
});
const audit = createRoute({
  getParentRoute: () => inside,
  path: "/audit",
  validateSearch: (raw: Raw) =>
    some({
      actor: text(raw, "actor"),
      verb: text(raw, "verb"),
      object: text(raw, "object"),
      run: text(raw, "run"),
      since: text(raw, "since"),
    }),
  component: lazyRouteComponent(() => import("./pages"), "AuditPage"),
});
const admin = createRoute({
  getParentRoute: () => inside,
  path: "/admin",
  validateSearch: (raw: Raw) => some({ tab: word(raw, "tab", ["tokens"]) }),
  component: lazyRouteComponent(() => import("./adminpage"), "AdminPage"),
});
const more = createRoute({
  getParentRoute: () => inside,
  path: "/more",
  component: lazyRouteComponent(() => import("./pages"), "MorePage"),
});

const tree = root.addChildren([
  login,
  link,
  inside.addChildren([
    home,
    alerts,
    alert,
    approvals,
    approval,
    runs,
    run,
    playbooks,
    playbook,
    integrations,
    policies,
    schedules,
    effects,
    audit,
    admin,
    more,
  ]),
]);

export function makeRouter(client: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { client },
    defaultPreload: "intent",
    defaultNotFoundComponent: Missing,
    scrollRestoration: false,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
