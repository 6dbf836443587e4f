import { getRouteApi } from "@tanstack/react-router";
import { ApprovalsScreen } from "../features/approvals/ApprovalsScreen";
import { isId } from "../lib/ids";
import { Missing } from "./Shell";

const list = getRouteApi("/inside/approvals");
const one = getRouteApi("/inside/approvals/$id");

export function InboxPage() {
  return <ApprovalsScreen search={list.useSearch()} />;
}

export function InboxItemPage() {
  const { id } = one.useParams();
  const search = one.useSearch();
  return isId("apr_", id) ? <ApprovalsScreen id={id} search={search} /> : <Missing />;
}
