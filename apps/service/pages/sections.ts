import { byId } from './dom.js';

/** Shows one section of the page and no other. The focus moves to its heading, for readers without mouse or screen. */
export function showSection(id: string): void {
  const shown = byId(id);
  const isFirst = !document.querySelector('main > section:not([hidden])');
  for (const section of document.querySelectorAll<HTMLElement>('main > section'))
    section.hidden = section !== shown;
  const heading = shown.querySelector('h1') as HTMLElement;
  document.title = `${heading.textContent ?? ''} – Silent Auth`;
  if (!isFirst) heading.focus();
}

/** The part of the link after `#`, removed from the address at once: neither the address bar nor the history keeps it. */
export function takeFragment(): URLSearchParams {
  const fragment = new URLSearchParams(location.hash.slice(1));
  if (location.href.includes('#')) history.replaceState(null, '', location.pathname);
  return fragment;
}
