// Who is asking and what they may; every screen reads it.
import { queryOptions, useSuspenseQuery } from "@tanstack/react-query";
import { GET, read } from "./api";
import { setServerNow } from "./clock";
import type { Me } from "./wire";

export const me = queryOptions({
  queryKey: ["user", "me"],
  queryFn: async ({ signal }): Promise<Me> => {
    const sent = performance.now();
    const who = await read(GET("/api/v1/me", { signal }));
    setServerNow(who.server.now, performance.now() - sent);
    return who;
  },
  staleTime: 60_000,
  retry: false,
});

export function useMe(): Me {
  return useSuspenseQuery(me).data;
}

const GRANTS: Record<string, string> = {
  "alert.edit": "analyst, responder or lead",
  "run.start": "analyst, responder or lead",
  "run.cancel": "responder or lead",
  "run.retry": "responder or lead",
  "run.resolve": "responder or lead",
  "effect.undo": "responder or lead",
  "effect.extend": "responder or lead",
  "action.try": "responder or lead",
  "halt.on": "responder, lead or admin",
  "halt.off": "lead or admin",
  "playbook.publish": "engineer or lead, and not the author",
  "connection.manage": "engineer",
  "source.edit": "engineer",
  "user.manage": "admin",
  "token.manage": "admin",
  "schedule.edit": "engineer",
  "audit.read": "auditor, lead or admin",
  "decision.read": "auditor, lead or admin",
};

/** "" where the person may, else the reason in words: which permission is missing, and who grants it. */
export function whyNot(who: Me, verb: string): string {
  if (who.verbs.includes(verb)) return "";
  return `This needs the right ${verb}: the role ${GRANTS[verb] ?? "that carries it"}. An admin gives roles.`;
}
