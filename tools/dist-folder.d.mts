export function isFresh(root: string): boolean;
export function renewDist(
  root: string,
  build: (out: string) => void | Promise<void>,
  options?: { readonly unlessFresh?: boolean },
): Promise<void>;
