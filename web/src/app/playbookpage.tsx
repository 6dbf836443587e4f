import { getRouteApi } from "@tanstack/react-router";
import { PlaybookScreen } from "../features/playbooks/PlaybookScreen";

const playbook = getRouteApi("/inside/playbooks/$name");

export function PlaybookPage() {
  const { name } = playbook.useParams();
  return <PlaybookScreen name={name} key={name} search={playbook.useSearch()} />;
}
