/** Shows a step while it works; resolves with what `work` says of its outcome. */
export function showing(
  screen: { readonly write: (text: string) => void; readonly terminal: boolean },
  title: string,
  how: () => string,
  work: () => Promise<string>,
): Promise<string>;
