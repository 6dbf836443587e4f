import { getRouteApi } from "@tanstack/react-router";
import { AdminScreen } from "../features/people/AdminScreen";

const admin = getRouteApi("/inside/admin");

export function AdminPage() {
  return <AdminScreen search={admin.useSearch()} />;
}
