import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { GET, PATCH, POST, read, write } from "../../lib/api";
import { alertById } from "../../lib/queries";
import type { Alert, AlertEdit, Page, Playbook, Query } from "../../lib/wire";

export type AlertFilter = Pick<Query<"/api/v1/alerts">, "severity" | "status" | "source" | "owner" | "q" | "sort">;

const PAGE = 100;

/** Alerts page by page; the server filters and sorts. */
export const alertList = (filter: AlertFilter) =>
  infiniteQueryOptions({
    queryKey: ["alert", "list", filter],
    queryFn: ({ signal, pageParam }): Promise<Page<Alert>> =>
      read(
        GET("/api/v1/alerts", {
          params: { query: { ...filter, limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: (old) => old,
  });

/** A few alerts for the jump box. */
export const alertSearch = (q: string) =>
  queryOptions({
    queryKey: ["alert", "list", "search", q],
    queryFn: ({ signal }): Promise<Page<Alert>> =>
      read(GET("/api/v1/alerts", { params: { query: { q, limit: 6 } }, signal })),
  });

/** New alerts that are high or critical, for Home. */
export const alertSearchOpen = queryOptions({
  queryKey: ["alert", "list", "open"],
  queryFn: async ({ signal }): Promise<Alert[]> => {
    const one = (severity: Alert["severity"]) =>
      read(GET("/api/v1/alerts", { params: { query: { severity, status: "new", limit: 20 } }, signal }));
    const [critical, high] = await Promise.all([one("critical"), one("high")]);
    return [...critical.items, ...high.items];
  },
});

/** The playbooks a person may start; which of them fit is the screen's matter. */
export const startable = queryOptions({
  queryKey: ["playbook", "list", "startable"],
  queryFn: ({ signal }): Promise<Page<Playbook>> =>
    read(GET("/api/v1/playbooks", { params: { query: { limit: 200 } }, signal })),
});

export type Edit = AlertEdit & { ids: readonly string[] };

/** Changes one or several alerts, each on its own; the first refusal stops the rest. */
export function useEdit() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ ids, ...body }: Edit) => {
      for (const id of ids) await write(PATCH("/api/v1/alerts/{id}", { params: { path: { id } }, body }));
    },
    onSettled: (_d, _e, { ids }) => {
      void client.invalidateQueries({ queryKey: ["alert", "list"] });
      for (const id of ids) void client.invalidateQueries({ queryKey: alertById(id).queryKey });
    },
  });
}

export const useStart = () =>
  useMutation({
    mutationFn: async ({ playbook, alert }: { playbook: string; alert: string }) => {
      const r = await write(
        POST("/api/v1/playbooks/{name}/runs", { params: { path: { name: playbook } }, body: { inputs: {}, alert } }),
      );
      return r.id;
    },
  });
