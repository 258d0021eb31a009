import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RefreshSession } from '../../src/core/refresh-token.store.js';
import type { OpenSession } from '../../src/tokens/session-opener.js';
import { TokenVersions } from '../../src/tokens/token-version.js';

const SOURCE = { ip: '192.0.2.1', userAgent: null };
const SESSIONS = [
  { id: 'old', tokenVersion: 'v1' },
  { id: 'new', tokenVersion: 'v2' },
] as RefreshSession[];

/** What was done, in order. */
let steps: unknown[];
let retired: string | null;
let versions: TokenVersions;

beforeEach(() => {
  steps = [];
  retired = 'v1';
  versions = new TokenVersions(
    { retireTokenVersion: async () => retired } as never,
    { revokeTokenVersion: async (version: string) => void steps.push(`revoked ${version}`) } as never,
    {
      endAll: async (
        userId: string,
        reason: string,
        source: unknown,
        isSpared: (session: RefreshSession) => boolean = () => false,
      ) => {
        const ended = SESSIONS.filter((session) => !isSpared(session)).map(({ id }) => id);
        steps.push({ userId, reason, source, ended });
      },
    } as never,
  );
});

describe(TokenVersions.name, () => {
  it('retires a version: first revokes its access tokens, then ends every session', async () => {
    await versions.retire('user-1', 'user_disabled', SOURCE);
    const ended = { userId: 'user-1', reason: 'user_disabled', source: SOURCE, ended: ['old', 'new'] };
    expect(steps).toEqual(['revoked v1', ended]);
  });

  it('ends the sessions of a user whose version is unknown', async () => {
    retired = null;
    await versions.retire('user-1', 'user_disabled', SOURCE);
    expect(steps).toMatchObject([{ ended: ['old', 'new'] }]);
  });

  it('spares sessions that began after a reset', async () => {
    await versions.afterReset('user-1', { retired: 'v1', present: 'v2' }, SOURCE);
    const ended = { userId: 'user-1', reason: 'password_changed', source: SOURCE, ended: ['old'] };
    expect(steps).toEqual(['revoked v1', ended]);
  });

  it('spares the session that a password change begins, once the previous version is revoked', async () => {
    const opened = { session: { id: 'new' } } as OpenSession;
    const open = async () => {
      steps.push('opened');
      return opened;
    };
    expect(await versions.afterChange('user-1', 'v1', SOURCE, open)).toBe(opened);
    const ended = { userId: 'user-1', reason: 'password_changed', source: SOURCE, ended: ['old'] };
    expect(steps).toEqual(['revoked v1', 'opened', ended]);
  });
});
