import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Frame, Page } from 'playwright-core';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** The accessibility problems of a page or a frame's document: the rule, and where. */
export async function violations(document: Page | Frame): Promise<string[]> {
  await document.evaluate(axe);
  const found = await document.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
    // Each frame is checked by itself: axe cannot be injected into frames of another origin.
    'axe.run(document, { iframes: false })',
  );
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}
