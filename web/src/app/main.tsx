import "../styles/index.css";
import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Refusal, session } from "../lib/api";
import { me } from "../lib/me";
import { applyTheme, prefs } from "../lib/prefs";
import { Sprite } from "../ui/Sprite";
import { makeRouter } from "./router";

applyTheme();
document.documentElement.setAttribute("data-keys", prefs().keys ? "on" : "off");

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // The stream says what changed; nothing is asked for again by the clock.
      staleTime: 60_000,
      refetchOnWindowFocus: false,
      retry: (n, e) => n < 2 && e instanceof Refusal && (e.status === 0 || e.status === 503),
      retryDelay: (n) => 400 * 2 ** n,
    },
    mutations: { retry: false },
  },
});

const router = makeRouter(client);

session.ended = () => {
  const { pathname, href } = router.state.location;
  if (pathname === "/login" || pathname === "/link") return;
  client.removeQueries({ queryKey: me.queryKey });
  void router.navigate({ to: "/login", search: { next: href === "/" ? undefined : href } });
};

// After an upgrade the files that this page would load later are gone: it is loaded anew, but never in a circle.
window.addEventListener("vite:preloadError", (e) => {
  const last = Number(sessionStorage.getItem("tocsin.reloaded") ?? 0);
  if (Date.now() - last < 30_000) return;
  e.preventDefault();
  sessionStorage.setItem("tocsin.reloaded", String(Date.now()));
  location.reload();
});

const root = document.getElementById("app");
if (!root) throw new Error("index.html has no place for the app");

createRoot(root).render(
  <StrictMode>
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={client}>
        <Sprite />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
