/** What Swagger UI leaves without a name or in the wrong order, for readers who do not see it. */
export function repair(page: Document): void {
  for (const select of page.querySelectorAll('select:not([aria-label])'))
    select.setAttribute('aria-label', select.id === 'servers' ? 'Server' : 'Type of content');
}
