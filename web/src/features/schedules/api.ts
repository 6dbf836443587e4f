import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { GET, POST, read, write } from "../../lib/api";

export const schedules = queryOptions({
  queryKey: ["schedule", "list"],
  queryFn: ({ signal }) => read(GET("/api/v1/schedules", { signal })),
});

export type Act = { id: string; act: "pause" | "resume" | "run" };

export function useAct() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ id, act }: Act): Promise<unknown> => {
      const init = { params: { path: { id } } };
      switch (act) {
        case "pause":
          return write(POST("/api/v1/schedules/{id}/pause", init));
        case "resume":
          return write(POST("/api/v1/schedules/{id}/resume", init));
        case "run":
          return write(POST("/api/v1/schedules/{id}/run", init));
      }
    },
    onSettled: () => {
      void client.invalidateQueries({ queryKey: schedules.queryKey });
      void client.invalidateQueries({ queryKey: ["run", "list"] });
    },
  });
}
