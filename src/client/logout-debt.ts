import type { Page } from './environment.js';

/**
 * A logout that the server has not heard of: the refresh cookie still works, and no script can delete it. The note
 * outlives the page, so that the next one logs out first instead of restoring the user who left.
 */
export class LogoutDebt {
  private isOwed = false;

  constructor(
    private readonly name: string,
    private readonly page: Page | null,
  ) {}

  get exists(): boolean {
    return this.isOwed || this.page?.notes?.getItem(this.name) === '1';
  }

  note(): void {
    this.isOwed = true;
    try {
      this.page?.notes?.setItem(this.name, '1');
    } catch {
      // Full: the user leaves all the same, and this page remembers.
    }
  }

  settle(): void {
    this.isOwed = false;
    this.page?.notes?.removeItem(this.name);
  }
}
