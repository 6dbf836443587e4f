// The one client. Screens never see a Response: they get the noun, or a Refusal.
import createClient from "openapi-fetch";
import type { components, paths } from "../gen/api";

type Problem = components["schemas"]["Problem"];

/** What the server said instead of doing it. `nothing` happened unless `unknown` is set. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly places: readonly { at: string; message: string }[];
  /** Names this request in the server's log. */
  readonly id: string;
  /** The answer was lost: it may have been done. */
  readonly unknown: boolean;

  constructor(problem: Partial<Problem>, id: string, unknown = false) {
    super(problem.detail || problem.title || "The server refused.");
    this.name = "Refusal";
    this.status = problem.status ?? 0;
    this.code = problem.code ?? "";
    this.places = problem.errors ?? [];
    this.id = id;
    this.unknown = unknown;
  }
}

/** Told when the session has ended, so that the app can ask for it again. */
export const session = { ended: () => {} };

const client = createClient<paths>({ credentials: "same-origin" });

client.use({
  onRequest({ request }) {
    request.headers.set("Accept", "application/json, application/problem+json");
    // Cross-site pages cannot set it, and a body is JSON or nothing.
    if (request.method !== "GET" && !request.headers.has("Content-Type"))
      request.headers.set("Content-Type", "application/json");
    return request;
  },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** Gives the noun or throws a Refusal. Writing says whether the call may have changed something when no answer came. */
async function unwrap<T>(call: Promise<Answer<T>>, writing: boolean): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new Refusal({ detail: "The server did not answer.", code: "unreachable" }, "", writing);
  }
  const { response } = answer;
  if (response.ok) return answer.data as T;
  if (response.status === 401 && !response.url.includes("/api/v1/session")) session.ended();
  const problem = (typeof answer.error === "object" && answer.error ? answer.error : {}) as Partial<Problem>;
  const id = response.headers.get("X-Request-Id") ?? response.headers.get("X-Correlation-Id") ?? correlation(problem);
  throw new Refusal({ status: response.status, title: `The server answered ${response.status}.`, ...problem }, id);
}

function correlation(problem: Partial<Problem> & { instance?: unknown; correlation?: unknown }): string {
  const id = problem.correlation ?? problem.instance;
  return typeof id === "string" ? id : "";
}

/** For queries. */
export const read = <T>(call: Promise<Answer<T>>): Promise<T> => unwrap(call, false);
/** For everything that changes something. */
export const write = <T>(call: Promise<Answer<T>>): Promise<T> => unwrap(call, true);

export const { GET, POST, PUT, PATCH, DELETE } = client;
