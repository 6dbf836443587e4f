// The nouns of the wire, by the words of the design. Screens name these, never the generated file.
import type { components, paths } from "../gen/api";

type Schemas = components["schemas"];

/** The document does not say that an absent struct is null on the wire; it is. */
type Maybe<T, K extends keyof T> = Omit<T, K> & { [P in K]: T[P] | null };

/** The filters that a list takes. */
export type Query<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } }
  ? NonNullable<Q>
  : never;

export type Me = Schemas["Me"];
export type Alert = Schemas["Alert"];
export type AlertDetail = Schemas["AlertDetail"];
export type AlertEdit = Schemas["AlertEdit"];
export type Waiting = Schemas["Waiting"];
export type Step = Maybe<Schemas["Step"], "error" | "input">;
/** A list's short form has no steps, inputs and outputs. */
export type Run = Maybe<Omit<Schemas["Run"], "steps">, "error" | "inputs" | "outputs" | "waiting"> & {
  steps: Step[] | null;
};
export type JournalEvent = Schemas["Event"];
export type Approval = Maybe<
  Schemas["Approval"],
  "inverse" | "form" | "params" | "targets" | "reasons" | "required" | "requirements" | "votes" | "escalated"
>;
export type Effect = Maybe<Schemas["Effect"], "targets" | "holds" | "params">;
export type Decision = Maybe<Schemas["Decision"], "reasons">;
export type DecisionDetail = Schemas["DecisionDetail"];
export type Playbook = Maybe<Schemas["Playbook"], "draft">;
export type Version = Schemas["Version"];
export type Graph = Schemas["Graph"];
export type GraphNode = Schemas["GraphNode"];
export type Integration = Schemas["Integration"];
export type Connection = Schemas["Connection"];
export type ConnectionWish = Schemas["ConnectionWish"];
export type Source = Schemas["Source"];
export type SourceWish = Schemas["SourceWish"];
export type Trial = Schemas["Trial"];
export type User = Schemas["User"];
export type Token = Schemas["Token"];
export type Schedule = Maybe<Schemas["Schedule"], "last">;
export type Notification = Schemas["Notification"];
export type Halt = Schemas["Halt"];
export type AuditEntry = Schemas["AuditEntry"];
export type FileProblem = Schemas["FileProblem"];

/** One page of a list; next is null at the end. */
export type Page<T> = { items: T[]; next: string | null };
