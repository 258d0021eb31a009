import type { Frame, Page } from 'playwright-core';
import { PASSWORD } from '../../support/http.js';

/** The administrator that the service creates at its start. */
export const ADMIN = { email: 'root@example.com', password: PASSWORD };
export const ADMIN_SETTINGS = { ADMIN_EMAIL: ADMIN.email, ADMIN_PASSWORD: ADMIN.password };

/** An upper limit for a busy machine. */
export const PATIENCE_MS = 60_000;

/** Signs in on the page of the security report. */
export async function signIn(page: Page, { email, password } = ADMIN): Promise<void> {
  await page.locator('#email').fill(email);
  await page.locator('#password').fill(password);
  await page.keyboard.press('Enter');
  await page.locator('#account').waitFor();
}

/** The report's frame, once it is shown. */
export async function shownReport(page: Page): Promise<Frame> {
  const frame = await (await page.locator('iframe').elementHandle())?.contentFrame();
  if (!frame) throw new Error('no frame');
  await frame.locator('footer').waitFor();
  return frame;
}
