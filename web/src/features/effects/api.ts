import { useMutation, useQueryClient } from "@tanstack/react-query";
import { POST, write } from "../../lib/api";
import type { Effect } from "../../lib/wire";

const asEffect = (x: unknown): Partial<Effect> => (typeof x === "object" && x !== null ? x : {});

/** Asks to undo; gives the run that does it, "" where the server does not say. */
export function useUndo() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ id, reason }: { id: string; reason: string }): Promise<string> => {
      const answer = asEffect(
        await write(POST("/api/v1/effects/{id}/undo", { params: { path: { id } }, body: { reason } })),
      );
      return answer.undo_run ?? "";
    },
    onSettled: () => void client.invalidateQueries({ queryKey: ["effect", "list"] }),
  });
}

export function useExtend() {
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
