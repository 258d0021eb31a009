import type { AuthClient } from 'nestjs-silent-auth-client';

/**
 * Goes on with the session of this browser, if it has one. Asked for first, as a refusal, however expected, is an error in
 * the console.
 * @param sessionUrl says whether one was begun
 * @throws AuthClientError as `restore` does
 */
export async function restoreIfBegun(auth: Pick<AuthClient, 'restore'>, sessionUrl: string): Promise<void> {
  if (await isBegun(sessionUrl)) await auth.restore();
}

/** Where nobody answers, the client knows best what to do about it. */
async function isBegun(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url);
    return ((await answer.json()) as { isBegun?: unknown }).isBegun !== false;
  } catch {
    return true;
  }
}
