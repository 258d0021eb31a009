/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it } from '@jest/globals';
import { refusal } from './support/auth-server.js';
import { ADA, statusOf } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

describe('register', () => {
  it('signs in and resolves with the user', async () => {
    const tab = on.browser.tab();
    expect(await tab.auth.register({ ...ADA, name: 'Ada' })).toMatchObject({ id: ADA.email });
    expect(statusOf(tab)).toBe('signed-in');
  });

  it.each([{ status: 202, json: { message: 'see your mail' } }, { status: 202 }])(
    'resolves with null if the address has to be verified first',
    async (reply) => {
      const tab = on.browser.tab();
      on.server.answer('/auth/register', reply);
      expect(await tab.auth.register(ADA)).toBeNull();
      expect(statusOf(tab)).toBe('unknown');
    },
  );

  it('rejects with the code of the refusal', async () => {
    const tab = on.browser.tab();
    on.server.answer('/auth/register', refusal(409, 'EMAIL_TAKEN'));
    await expect(tab.auth.register(ADA)).rejects.toMatchObject({ code: 'EMAIL_TAKEN', status: 409 });
  });
});
