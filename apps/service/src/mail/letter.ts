import { escapeHtml } from '../common/escape-html.js';

/** A mail before it becomes text or HTML: every part of it may contain text from strangers. */
export interface Letter {
  readonly subject: string;
  readonly greeting: string;
  readonly paragraphs: readonly string[];
  /** Details of the event, such as `['When', '…']`. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly advice: readonly string[];
  /** Always a URL of the service, never one that a user typed. */
  readonly link: { readonly label: string; readonly url: string };
}

export interface RenderedLetter {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Renders the same words as text and as HTML. The HTML loads nothing, so nobody learns whether a mail was opened. */
export function render(letter: Letter): RenderedLetter {
  return { subject: oneLine(letter.subject), text: toText(letter), html: toHtml(letter) };
}

function toText({ greeting, paragraphs, facts, advice, link }: Letter): string {
  const table = facts.map(([label, value]) => `  ${label}: ${oneLine(value)}`).join('\n');
  const blocks = [oneLine(greeting), ...paragraphs, table, ...advice, `${link.label}:\n${link.url}`];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function toHtml({ greeting, paragraphs, facts, advice, link }: Letter): string {
  const p = (text: string) => `<p>${escapeHtml(text)}</p>`;
  const rows = facts.map(
    ([label, value]) =>
      `<tr><td style="padding-right:1em">${escapeHtml(label)}</td><td>${escapeHtml(oneLine(value))}</td></tr>`,
  );
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"></head>',
    '<body style="font-family:sans-serif;line-height:1.5;max-width:36em">',
    p(oneLine(greeting)),
    ...paragraphs.map(p),
    rows.length > 0 ? `<table>${rows.join('')}</table>` : '',
    ...advice.map(p),
    `<p>${escapeHtml(link.label)}:<br><a href="${escapeHtml(link.url)}">${escapeHtml(link.url)}</a></p>`,
    '</body></html>',
  ].join('\n');
}

/** Untrusted text must not add a line, in a header or in the text. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}
