import { byId } from './dom.js';

/** Shows one section of the page and no other. Whoever has no mouse, or no eyes for it, goes on at its heading. */
export function showSection(id: string): void {
  const shown = byId(id);
  const isFirst = !document.querySelector('main > section:not([hidden])');
  for (const section of document.querySelectorAll<HTMLElement>('main > section'))
    section.hidden = section !== shown;
  const heading = shown.querySelector('h1') as HTMLElement;
  document.title = `${heading.textContent ?? ''} – Silent Auth`;
  if (!isFirst) heading.focus();
}
