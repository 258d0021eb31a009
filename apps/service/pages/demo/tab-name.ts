const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];

/** The first letter that no other tab has: held as a lock, so that it is free again when the tab is gone. */
export async function claimTabName(): Promise<string> {
  for (const letter of LETTERS) if (await claim(`silent-auth-demo:tab-${letter}`)) return `tab ${letter}`;
  return 'tab';
}

async function claim(name: string): Promise<boolean> {
  // Some browsers have no locks on pages without HTTPS.
  const { locks } = navigator as { locks?: LockManager };
  if (!locks) return true;
  return new Promise((resolve) => {
    void locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? new Promise<never>(() => {}) : undefined;
    });
  });
}
