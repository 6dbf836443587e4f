import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { GET, POST, read, write } from "../../lib/api";
import type { Notification } from "../../lib/wire";

export type Told = { items: Notification[]; next: string | null; unread: number };

/** What this person was told, unread first. The bell and its panel ask once. */
export const notifications = queryOptions({
  queryKey: ["notification", "list"],
  queryFn: ({ signal }): Promise<Told> =>
    read(GET("/api/v1/notifications", { params: { query: { limit: 50 } }, signal })),
  staleTime: 30_000,
});

export function useMarkRead() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (what: { ids: string[] } | { all: true }) => write(POST("/api/v1/notifications/read", { body: what })),
    onSettled: () => void client.invalidateQueries({ queryKey: notifications.queryKey }),
  });
}

/** A later end of an effect: the policy is asked. */
export function useKeepLonger() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, until }: { id: string; until: string }) =>
      write(POST("/api/v1/effects/{id}/extend", { params: { path: { id } }, body: { until } })),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["effect", "list"] });
      void client.invalidateQueries({ queryKey: ["approval", "list"] });
    },
  });
}
