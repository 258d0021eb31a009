import { userIdOf } from './typed.js';

/** Added through the CSSOM: the policy of the report allows no style in its elements. */
const RULES = [
  `.look-into {
    min-height: 1.75rem; margin-block: 0.125rem; padding: 0.125rem 0.625rem;
    font: inherit; font-size: 0.8125rem; line-height: 1.25; font-weight: 560; white-space: nowrap;
    color: var(--accent); background: var(--surface);
    border: 1px solid color-mix(in srgb, var(--accent) 45%, var(--surface)); border-radius: 99px; cursor: pointer;
  }`,
  '.look-into:hover { background: var(--accent); color: var(--surface); }',
  '.look-into:focus-visible { border-radius: 99px; }',
  '@media print { .look-into { display: none; } }',
];

/** E-mail addresses by user id, as far as a report has them. */
export type Addresses = ReadonlyMap<string, string>;

/** Puts a button beside every user that the report marks (`data-user`), and gives what it calls them. */
export function offerUsers(
  report: Document,
  choose: (id: string, opener: HTMLButtonElement) => void,
): Addresses {
  for (const rule of RULES) report.styleSheets[0]?.insertRule(rule);
  const marks = [...report.querySelectorAll<HTMLElement>('[data-user]')].flatMap((mark) => {
    const id = userIdOf(mark.dataset.user ?? '');
    return id === null ? [] : [{ id, mark }];
  });
  const addresses = new Map<string, string>();
  for (const { id, mark } of marks) if (mark.textContent?.includes('@')) addresses.set(id, mark.textContent);
  for (const { id, mark } of marks) {
    const button = report.createElement('button');
    button.type = 'button';
    button.className = 'look-into';
    button.textContent = 'Look up';
    button.setAttribute('aria-label', `Look up ${addresses.get(id) ?? `user ${id}`}`);
    button.addEventListener('click', () => choose(id, button));
    mark.after(' ', button);
  }
  return addresses;
}
