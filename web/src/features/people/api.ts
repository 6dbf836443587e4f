import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { DELETE, GET, PATCH, POST, PUT, read, write } from "../../lib/api";
import { halt } from "../../lib/queries";
import type { Page, Token, User } from "../../lib/wire";

export const useSignIn = () =>
  useMutation({
    mutationFn: (body: { username: string; password: string }) => write(POST("/api/v1/session", { body })),
  });

export const useRedeem = () =>
  useMutation({
    mutationFn: (body: { token: string; password: string }) => write(POST("/api/v1/session/link", { body })),
  });

export const signOut = (): Promise<unknown> => write(DELETE("/api/v1/session", { body: undefined as never }));

export const useHalt = () => {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { on: boolean; reason: string }) => write(PUT("/api/v1/halt", { body })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: halt.queryKey });
      void client.invalidateQueries({ queryKey: ["approval", "list"] });
    },
  });
};

export const users = queryOptions({
  queryKey: ["user", "list"],
  queryFn: ({ signal }): Promise<Page<User>> =>
    read(GET("/api/v1/users", { params: { query: { limit: 200 } }, signal })),
});

export const tokens = queryOptions({
  queryKey: ["token", "list"],
  queryFn: ({ signal }): Promise<Page<Token>> =>
    read(GET("/api/v1/tokens", { params: { query: { limit: 200 } }, signal })),
});

export type NewUser = { name: string; email: string; kind: string; roles: string[]; teams: string[] };

export function useAddUser() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: NewUser) => write(POST("/api/v1/users", { body: body as never })),
    onSuccess: () => void client.invalidateQueries({ queryKey: users.queryKey }),
  });
}

/** Changes roles, teams, address, or whether the account is disabled; the server refuses a state that is not the newest. */
export function useEditUser() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({
      user,
      change,
    }: {
      user: User;
      change: Partial<Pick<User, "roles" | "teams" | "disabled" | "email">>;
    }) =>
      write(
        PATCH("/api/v1/users/{name}", {
          params: { path: { name: user.name } },
          body: change,
          headers: { "If-Match": `"${user.version}"` },
        }),
      ),
    onSettled: () => void client.invalidateQueries({ queryKey: users.queryKey }),
  });
}

export const useMakeLink = () =>
  useMutation({
    mutationFn: (name: string) =>
      write(POST("/api/v1/users/{name}/link", { params: { path: { name } }, body: {} as never })),
  });

export function useAddToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: { name: string; owner: string; scopes: string[]; expires_at?: string }) =>
      write(POST("/api/v1/tokens", { body })),
    onSuccess: () => void client.invalidateQueries({ queryKey: tokens.queryKey }),
  });
}

export function useRevokeToken() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => write(DELETE("/api/v1/tokens/{id}", { params: { path: { id } }, body: {} as never })),
    onSettled: () => void client.invalidateQueries({ queryKey: tokens.queryKey }),
  });
}
