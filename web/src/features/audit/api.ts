import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { GET, read } from "../../lib/api";

export type AuditFilter = {
  actor?: string | undefined;
  verb?: string | undefined;
  object?: string | undefined;
  run?: string | undefined;
  since?: string | undefined;
};

export const auditList = (filter: AuditFilter) =>
  infiniteQueryOptions({
    queryKey: ["audit", "list", filter],
    queryFn: ({ signal, pageParam }) =>
      read(
        GET("/api/v1/audit", {
          params: { query: { ...filter, limit: 100, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: (old) => old,
  });

export const checkpoint = queryOptions({
  queryKey: ["audit", "list", "checkpoint"],
  queryFn: ({ signal }) => read(GET("/api/v1/audit/checkpoint", { signal })),
});
