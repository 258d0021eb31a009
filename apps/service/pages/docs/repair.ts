/** Swagger UI leaves out names, landmarks and the order of headings, on which people with screen readers rely. */
export function repair(page: Document): void {
  for (const select of page.querySelectorAll('select:not([aria-label])'))
    select.setAttribute('aria-label', select.id === 'servers' ? 'Server' : 'Type of content');
  for (const [selector, name] of [
    ['.information-container', 'About this API'],
    ['.scheme-container', 'Server and credentials'],
  ] as const) {
    const part = page.querySelector(`${selector}:not([role])`);
    part?.setAttribute('role', 'region');
    part?.setAttribute('aria-label', name);
  }
  // Its h3 follow the h1.
  for (const heading of page.querySelectorAll('.swagger-ui :is(h3, h4, h5):not([aria-level])'))
    heading.setAttribute('aria-level', String(Number(heading.tagName.slice(1)) - 1));
  // A button is read out as one: nothing in it can have the focus.
  for (const inner of page.querySelectorAll('button :is(a[href], [tabindex="0"], button)')) {
    inner.removeAttribute('href');
    inner.removeAttribute('tabindex');
  }
}
