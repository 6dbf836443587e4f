import { useMutation, useQueryClient } from "@tanstack/react-query";
import { DELETE, POST, PUT, write } from "../../lib/api";
import { halt } from "../../lib/queries";

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
