import { queryOptions } from "@tanstack/react-query";
import { GET, read } from "../../lib/api";

export const policies = queryOptions({
  queryKey: ["policy", "list"],
  queryFn: ({ signal }) => read(GET("/api/v1/policies", { signal })),
});
