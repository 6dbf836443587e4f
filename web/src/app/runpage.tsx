import { getRouteApi } from "@tanstack/react-router";
import { RunScreen } from "../features/runs/RunScreen";
import { isId } from "../lib/ids";
import { Missing } from "./Shell";

const run = getRouteApi("/inside/runs/$id");

export function RunPage() {
  const { id } = run.useParams();
  const search = run.useSearch();
  return isId("run_", id) ? <RunScreen id={id} key={id} search={search} /> : <Missing />;
}
