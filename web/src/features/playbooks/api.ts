import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { GET, POST, read, write } from "../../lib/api";
import type { Graph, Page, Playbook, Version } from "../../lib/wire";

export const playbookList = queryOptions({
  queryKey: ["playbook", "list"],
  queryFn: ({ signal }): Promise<Page<Playbook>> =>
    read(GET("/api/v1/playbooks", { params: { query: { limit: 200 } }, signal })),
});

export const playbookByName = (name: string) =>
  queryOptions({
    queryKey: ["playbook", name],
    queryFn: ({ signal }): Promise<Playbook> =>
      read(GET("/api/v1/playbooks/{name}", { params: { path: { name } }, signal })),
  });

export const playbookGraph = (name: string, version?: string) =>
  queryOptions({
    queryKey: ["playbook", name, "graph", version ?? ""],
    queryFn: ({ signal }): Promise<Graph> =>
      read(
        GET("/api/v1/playbooks/{name}/graph", {
          params: { path: { name }, query: version ? { version } : {} },
          signal,
        }),
      ),
  });

export const playbookVersions = (name: string) =>
  queryOptions({
    queryKey: ["playbook", name, "versions"],
    queryFn: async ({ signal }): Promise<Version[]> =>
      (await read(GET("/api/v1/playbooks/{name}/versions", { params: { path: { name } }, signal }))).items,
  });

export function usePublish() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) =>
      write(POST("/api/v1/playbooks/{name}/publish", { params: { path: { name } }, body: {} })),
    onSettled: () => void client.invalidateQueries({ queryKey: ["playbook"] }),
  });
}

export const useRun = () =>
  useMutation({
    mutationFn: async ({ name, inputs, alert }: { name: string; inputs: Record<string, unknown>; alert: string }) => {
      const r = await write(
        POST("/api/v1/playbooks/{name}/runs", {
          params: { path: { name } },
          body: { inputs, ...(alert ? { alert } : {}) },
        }),
      );
      return r.id;
    },
  });
