// The nouns of the wire, by the words of the design. Screens name these, never the generated file.
import type { components } from "../gen/api";

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type Alert = Schemas["Alert"];
export type Run = Schemas["Run"];
export type Step = Schemas["Step"];
export type Fault = Schemas["Fault"];
export type Waiting = Schemas["Waiting"];
export type JournalEvent = Schemas["Event"];
export type Approval = Schemas["Approval"];
export type Effect = Schemas["Effect"];
export type Decision = Schemas["Decision"];
export type Policies = Schemas["Policies"];
export type Playbook = Schemas["Playbook"];
export type Version = Schemas["Version"];
export type Graph = Schemas["Graph"];
export type GraphNode = Schemas["GraphNode"];
export type Integration = Schemas["Integration"];
export type Connection = Schemas["Connection"];
export type ConnectionTest = Schemas["ConnectionTest"];
export type Schedule = Schemas["Schedule"];
export type Halt = Schemas["Halt"];
export type AuditEntry = Schemas["AuditEntry"];
export type FileProblem = Schemas["FileProblem"];

/** One page of a list; next is null at the end. */
export type Page<T> = { items: T[]; next: string | null };
