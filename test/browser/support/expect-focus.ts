import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { eventually } from '../../support/eventually.js';

/** Waits until the element with this id has the focus: a page moves it shortly after it shows something. */
export async function expectFocus(page: Page, id: string): Promise<void> {
  const focused = () => page.evaluate<string>('document.activeElement.id');
  expect(await eventually(focused, (now) => now === id)).toBe(id);
}
