import { expect, it } from '@jest/globals';
import { createConnection } from 'mongoose';
import { AuthModule } from '../../src/index.js';
import { databaseUri } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import { newSession, uniqueEmail } from '../support/http.js';

it.each(ADAPTERS)(
  'a host that closes while it answers keeps the events of every answer, on %s',
  async (adapter) => {
    const uri = databaseUri('audit_at_close');
    const host = await HostApp.startWith(adapter, { imports: [AuthModule.forRoot(authOptions())] }, uri);
    const api = host.api();
    const { email } = await newSession(api);
    let answered = 0;
    let isOpen = true;
    const guess = async () => {
      while (isOpen) {
        const answer = await api.login({ email, password: uniqueEmail() }).catch(() => null);
        if (answer?.status === 401) answered += 1;
        // The server accepts no more connections.
        else isOpen = false;
      }
    };
    const guessing = Array.from({ length: 8 }, guess);
    await eventually(
      async () => answered,
      (count) => count >= 40,
    );
    await host.app.close();
    await Promise.all(guessing);
    const later = await createConnection(uri).asPromise();
    try {
      const rows = await later.collection('security_events').countDocuments({ type: 'login.failed' });
      const days = await later.collection('security_daily').find({ type: 'login.failed' }).toArray();
      expect(days.reduce((sum, { count }) => sum + Number(count), 0)).toBeGreaterThanOrEqual(answered);
      // Only the first events of a window from one address get a row; the counters have the rest.
      expect(rows).toBe(20);
    } finally {
      await later.dropDatabase();
      await later.close();
    }
  },
);
