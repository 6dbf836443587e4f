import { type QueryClient, useMutation, useQueryClient } from "@tanstack/react-query";
import { POST, write } from "../../lib/api";
import { approvalById } from "../../lib/queries";
import type { Approval } from "../../lib/wire";

/** The answer of the server is the truth at once; the stream only confirms it. */
function settle(client: QueryClient, a: Approval | undefined): void {
  if (a?.id) client.setQueryData(approvalById(a.id).queryKey, a);
  void client.invalidateQueries({ queryKey: ["approval", "list"] });
}

function useAct<V extends { id: string }>(act: (v: V) => Promise<Approval>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: (a) => settle(client, a),
    // Somebody else decided, or it changed: what is shown must be what is.
    onError: (_e, v) => {
      void client.invalidateQueries({ queryKey: approvalById(v.id).queryKey });
      void client.invalidateQueries({ queryKey: ["approval", "list"] });
    },
  });
}

export type Vote = { id: string; digest: string; decision: "approve" | "deny"; comment: string };

export const useDecide = () =>
  useAct(({ id, digest, decision, comment }: Vote) =>
    write(POST("/api/v1/approvals/{id}/decision", { params: { path: { id } }, body: { decision, digest, comment } })),
  );

export const useAnswer = () =>
  useAct(({ id, digest, answer }: { id: string; digest: string; answer: Record<string, unknown> }) =>
    write(POST("/api/v1/approvals/{id}/answer", { params: { path: { id } }, body: { digest, answer } })),
  );

export const useWithdraw = () =>
  useAct(({ id }: { id: string }) => write(POST("/api/v1/approvals/{id}/withdraw", { params: { path: { id } } })));

export const useExtend = () =>
  useAct(({ id, by }: { id: string; by: string }) =>
    write(POST("/api/v1/approvals/{id}/extend", { params: { path: { id } }, body: { by } })),
  );
