import { useSyncExternalStore } from "react";

const PHONE = "(max-width: 640px)";

/** Whether the screen is as narrow as a phone's. */
export const usePhone = (): boolean =>
  useSyncExternalStore(
    (f) => {
      const m = matchMedia(PHONE);
      m.addEventListener("change", f);
      return () => m.removeEventListener("change", f);
    },
    () => matchMedia(PHONE).matches,
  );
