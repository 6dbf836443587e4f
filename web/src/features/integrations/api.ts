import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { DELETE, GET, POST, PUT, read, write } from "../../lib/api";
import type { ConnectionWish, SourceWish, Trial } from "../../lib/wire";

export const connections = queryOptions({
  queryKey: ["connection", "list"],
  queryFn: ({ signal }) => read(GET("/api/v1/connections", { signal })),
});

export const integrations = queryOptions({
  queryKey: ["connection", "list", "integrations"],
  queryFn: ({ signal }) => read(GET("/api/v1/integrations", { signal })),
});

export const sources = queryOptions({
  queryKey: ["source", "list"],
  queryFn: ({ signal }) => read(GET("/api/v1/sources", { signal })),
});

export function useTestCall() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (name: string) => write(POST("/api/v1/connections/{name}/test", { params: { path: { name } } })),
    onSettled: () => void client.invalidateQueries({ queryKey: connections.queryKey }),
  });
}

/** One source with the words of its file, to be edited. */
export const sourceByName = (name: string) =>
  queryOptions({
    queryKey: ["source", name],
    queryFn: ({ signal }) => read(GET("/api/v1/sources/{name}", { params: { path: { name } }, signal })),
  });

/** The state that the editor began with; the server refuses another one. */
const match = (version: number) => (version > 0 ? { headers: { "If-Match": `"${version}"` } } : {});

export function useSaveConnection() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ wish, version }: { wish: ConnectionWish; version: number | null }) =>
      version === null
        ? write(POST("/api/v1/connections", { body: wish }))
        : write(
            PUT("/api/v1/connections/{name}", { params: { path: { name: wish.name } }, body: wish, ...match(version) }),
          ),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["connection"] }),
  });
}

export function useDeleteConnection() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ name, version }: { name: string; version: number }) =>
      write(DELETE("/api/v1/connections/{name}", { params: { path: { name } }, body: {} as never, ...match(version) })),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["connection"] }),
  });
}

export function useSaveSource() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ wish, version }: { wish: SourceWish; version: number | null }) =>
      version === null
        ? write(POST("/api/v1/sources", { body: wish }))
        : write(
            PUT("/api/v1/sources/{name}", { params: { path: { name: wish.name } }, body: wish, ...match(version) }),
          ),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["source"] }),
  });
}

export function useDeleteSource() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ name, version }: { name: string; version: number }) =>
      write(DELETE("/api/v1/sources/{name}", { params: { path: { name } }, body: {} as never, ...match(version) })),
    onSuccess: () => void client.invalidateQueries({ queryKey: ["source"] }),
  });
}

/** What a mapping makes of a payload; nothing is stored. */
export const useTry = () =>
  useMutation({
    mutationFn: (body: { mapping?: string; payload: string }): Promise<Trial> =>
      write(POST("/api/v1/sources/test", { body })),
  });
