import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { GET, POST, read, write } from "../../lib/api";

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
