import { infiniteQueryOptions, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { GET, POST, read, write } from "../../lib/api";
import { runById } from "../../lib/queries";
import type { Decision, DecisionDetail, Graph, JournalEvent, Page, Query, Run } from "../../lib/wire";

export type RunFilter = Pick<Query<"/api/v1/runs">, "status" | "playbook" | "waiting" | "since">;

export const runList = (filter: RunFilter) =>
  infiniteQueryOptions({
    queryKey: ["run", "list", "pages", filter],
    queryFn: ({ signal, pageParam }): Promise<Page<Run>> =>
      read(
        GET("/api/v1/runs", {
          params: { query: { ...filter, limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: (old) => old,
  });

/** The picture of the version a run is pinned to; it never changes. */
export const runGraph = (name: string, version: string) =>
  queryOptions({
    queryKey: ["playbook", name, "graph", version],
    queryFn: ({ signal }): Promise<Graph> =>
      read(GET("/api/v1/playbooks/{name}/graph", { params: { path: { name }, query: { version } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const journal = (id: string) =>
  queryOptions({
    queryKey: ["run", id, "journal"],
    queryFn: async ({ signal }): Promise<JournalEvent[]> =>
      (await read(GET("/api/v1/runs/{id}/journal", { params: { path: { id } }, signal }))).items,
  });

export const decisionsOf = (run: string) =>
  queryOptions({
    queryKey: ["decision", "list", run],
    queryFn: ({ signal }): Promise<Page<Decision>> =>
      read(GET("/api/v1/decisions", { params: { query: { run, limit: 200 } }, signal })),
  });

export const decisionById = (id: string) =>
  queryOptions({
    queryKey: ["decision", id],
    queryFn: ({ signal }): Promise<DecisionDetail> =>
      read(GET("/api/v1/decisions/{id}", { params: { path: { id } }, signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });

function useAct<V extends { id: string }>(act: (v: V) => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSettled: (_d, _e, v) => {
      void client.invalidateQueries({ queryKey: runById(v.id).queryKey });
      void client.invalidateQueries({ queryKey: ["run", "list"] });
      void client.invalidateQueries({ queryKey: ["effect", "list"] });
    },
  });
}

export const useCancel = () =>
  useAct(({ id, force }: { id: string; force: boolean }) =>
    write(POST("/api/v1/runs/{id}/cancel", { params: { path: { id } }, body: force ? { force } : {} })),
  );

export const useUndoRun = () =>
  useAct(({ id, reason }: { id: string; reason: string }) =>
    write(POST("/api/v1/runs/{id}/undo", { params: { path: { id } }, body: { reason } })),
  );

export type Resolution = {
  id: string;
  step: string;
  as: "done" | "failed" | "retry";
  output?: unknown;
  reason: string;
};

export const useResolve = () =>
  useAct(({ id, ...body }: Resolution) => write(POST("/api/v1/runs/{id}/resolve", { params: { path: { id } }, body })));
