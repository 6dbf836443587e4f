// The direction of house.md: app → features → (ui, graph, charts, gen) → lib; features are strangers to each other.
const rule = (name, from, to, comment) => ({ name, severity: "error", comment, from, to });
module.exports = {
  forbidden: [
    rule("no-circular", {}, { circular: true }, "A circle has no direction."),
    rule(
      "lib-is-lowest",
      { path: "^src/lib" },
      { path: "^src/(app|features|ui|graph|charts)" },
      "lib knows nobody but gen.",
    ),
    rule(
      "parts-know-no-screens",
      { path: "^src/(ui|graph|charts)" },
      { path: "^src/(app|features)" },
      "Parts are used by screens, never the other way.",
    ),
    rule(
      "ui-has-no-data",
      { path: "^src/ui" },
      { path: "node_modules/@tanstack/react-(query|router)|openapi-fetch|^src/lib/(api|me|stream)\\." },
      "Parts get what they show.",
    ),
    rule("features-know-no-app", { path: "^src/features" }, { path: "^src/app" }, "The app composes features."),
    rule(
      "features-are-strangers",
      { path: "^src/features/([^/]+)/" },
      { path: "^src/features/([^/]+)/", pathNot: "^src/features/$1/" },
      "What two features share belongs to ui or lib; what combines them to app.",
    ),
    rule(
      "models-are-pure",
      { path: "^src/.*/model\\.ts$" },
      { path: "node_modules/(react|@tanstack)|^src/.*\\.tsx$", dependencyTypesNot: ["type-only"] },
      "A model turns the wire into what the screen says; no React.",
    ),
    rule(
      "only-api-names-urls",
      { path: "^src/features", pathNot: "/api\\.ts$|\\.test\\." },
      { path: "^src/lib/api\\.ts$" },
      "One file of a feature talks to the server.",
    ),
    rule(
      "no-dev-dependencies",
      { path: "^src", pathNot: "\\.test\\.tsx?$" },
      { dependencyTypes: ["npm-dev"] },
      "The app ships only dependencies.",
    ),
    rule("resolvable", {}, { couldNotResolve: true, pathNot: "\\?" }, "It must exist."),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: "specify",
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
