// Queries that more than one feature asks. The first part of a key is the stream's kind: a change of that kind makes it stale.
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { GET, read } from "./api";
import type { AlertDetail, Approval, Effect, FileProblem, Halt, Page, Query, Run } from "./wire";

export const alertById = (id: string) =>
  queryOptions({
    queryKey: ["alert", id],
    queryFn: ({ signal }): Promise<AlertDetail> =>
      read(GET("/api/v1/alerts/{id}", { params: { path: { id } }, signal })),
  });

export const runById = (id: string) =>
  queryOptions({
    queryKey: ["run", id],
    queryFn: ({ signal }): Promise<Run> => read(GET("/api/v1/runs/{id}", { params: { path: { id } }, signal })),
  });

export const approvalById = (id: string) =>
  queryOptions({
    queryKey: ["approval", id],
    queryFn: ({ signal }): Promise<Approval> =>
      read(GET("/api/v1/approvals/{id}", { params: { path: { id } }, signal })),
  });

/** Requests: pending ones with status "pending", all with "". */
export const approvals = (filter: Query<"/api/v1/approvals">) =>
  queryOptions({
    queryKey: ["approval", "list", filter],
    queryFn: ({ signal }): Promise<Page<Approval>> =>
      read(GET("/api/v1/approvals", { params: { query: { limit: 200, ...filter } }, signal })),
    placeholderData: keepPreviousData,
  });

export const runs = (filter: Query<"/api/v1/runs">) =>
  queryOptions({
    queryKey: ["run", "list", filter],
    queryFn: ({ signal }): Promise<Page<Run>> => read(GET("/api/v1/runs", { params: { query: filter }, signal })),
  });

export const effects = (filter: Query<"/api/v1/effects">) =>
  queryOptions({
    queryKey: ["effect", "list", filter],
    queryFn: ({ signal }): Promise<Page<Effect>> =>
      read(GET("/api/v1/effects", { params: { query: { limit: 200, ...filter } }, signal })),
    placeholderData: keepPreviousData,
  });

export const halt = queryOptions({
  queryKey: ["halt", "list"],
  queryFn: ({ signal }): Promise<Halt> => read(GET("/api/v1/halt", { signal })),
  staleTime: 30_000,
});

export const problems = queryOptions({
  queryKey: ["playbook", "list", "problems"],
  queryFn: ({ signal }): Promise<{ items: FileProblem[] }> => read(GET("/api/v1/problems", { signal })),
  staleTime: 30_000,
});
