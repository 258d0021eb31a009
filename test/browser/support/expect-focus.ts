import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { eventually } from '../../support/eventually.js';

/** The element with this id has the keyboard, now or soon: a page moves it a little after what it shows. */
export async function expectFocus(page: Page, id: string): Promise<void> {
  const focused = () => page.evaluate<string>('document.activeElement.id');
  expect(await eventually(focused, (now) => now === id)).toBe(id);
}
