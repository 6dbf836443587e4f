/** Whether a text can be an id of this kind at all; else the server need not be asked. */
export const isId = (prefix: "alr_" | "run_" | "apr_" | "eff_", text: string): boolean =>
  text.startsWith(prefix) && /^[a-z]{3}_[0-9a-f]{32}$/.test(text);

/** The id as people read it: prefix and the last six digits, which differ also within one second. */
export function short(id: string): string {
  const cut = id.indexOf("_");
  return cut > 0 && id.length > cut + 9 ? `${id.slice(0, cut + 1)}${id.slice(-6)}` : id;
}
