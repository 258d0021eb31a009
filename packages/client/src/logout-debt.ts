import type { Page } from './environment.js';
import { orUndefined } from './or-undefined.js';

export type LogoutDebt = ReturnType<typeof createLogoutDebt>;

const OWED = '1';
const NOBODY = '0';

/**
 * A logout that the server has not confirmed: the refresh cookie still works, and no script can delete it. The note
 * outlives the page, so that the next page logs out before it restores a session.
 * The same note records that the server found nobody signed in in this browser.
 */
export function createLogoutDebt(name: string, page: Page | null) {
  let isOwed = false;
  /** The storage may be full or forbidden. Then only this page remembers the note. */
  const noted = <T>(use: (notes: Storage) => T): T | undefined =>
    orUndefined(() => page?.notes && use(page.notes));
  const read = () => noted((notes) => notes.getItem(name));
  const self = {
    get exists() {
      return isOwed || read() === OWED;
    },
    /** False if the server was never asked. */
    get isNobodyKnown() {
      return read() === NOBODY;
    },
    note(): void {
      isOwed = true;
      noted((notes) => notes.setItem(name, OWED));
    },
    settle(): void {
      isOwed = false;
      noted((notes) => notes.removeItem(name));
    },
    noteNobody(): void {
      if (!self.exists) noted((notes) => notes.setItem(name, NOBODY));
    },
  };
  return self;
}
