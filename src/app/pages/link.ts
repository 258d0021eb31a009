/**
 * What a link brought behind its `#`. It is taken out of the address at once: neither the address bar nor the history
 * keeps it, and no program that looks at addresses later finds it.
 */
export function takeFragment(): URLSearchParams {
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (location.href.includes('#')) history.replaceState(null, '', location.pathname);
  return fragment;
}
