import type { Page } from 'playwright-core';
import { expectFocus } from './expect-focus.js';

/** A tab with a page that a mailed link opened, used as a reader would. */
export class LinkTab {
  constructor(readonly page: Page) {}

  /** Waits until the element is shown. */
  async see(id: string): Promise<void> {
    await this.page.locator(`#${id}`).waitFor();
  }

  /** Moves the focus by keyboard to the last link of the header, which every page has. */
  async pastHeader(): Promise<void> {
    const links = await this.page.locator('header a:visible').count();
    for (let stop = 0; stop < links; stop++) await this.page.keyboard.press('Tab');
  }

  /** Waits for the form's error message. */
  async problem(form: string, words: string | RegExp): Promise<void> {
    await this.page.locator(`#${form} .error`).filter({ hasText: words }).waitFor();
  }

  title(id: string): Promise<string> {
    return this.page.locator(`#${id} h1`).innerText();
  }

  expectFocus(id: string): Promise<void> {
    return expectFocus(this.page, id);
  }

  async setPassword(password: string): Promise<void> {
    await this.page.locator('#new-password').fill(password);
    await this.page.keyboard.press('Enter');
  }

  async verify(): Promise<void> {
    await this.page.locator('#verify-form button').click();
  }

  /** Logs in on the demo page. */
  async logIn(email: string, password: string): Promise<void> {
    await this.page.locator('#email').fill(email);
    await this.page.locator('#password').fill(password);
    await this.page.locator('button[value=login]').click();
  }
}
