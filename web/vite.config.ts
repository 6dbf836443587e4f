import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The server replaces __NONCE__ in index.html for each request; see web.md, "Serving".
export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
    manifest: "assets/manifest.json",
  },
  server: {
    port: 5173,
    proxy: Object.fromEntries(
      ["/api", "/schemas", "/openapi.json", "/readyz"].map((path) => [
        path,
        process.env.TOCSIN_URL ?? "http://127.0.0.1:8080",
      ]),
    ),
  },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
