import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import {
  type SqliteDatabase,
  SqliteRefreshTokenStore,
} from '../../examples/sql-store/sqlite-refresh-token.store.js';
import type { RefreshTokenStore } from '../../src/index.js';
import { refreshTokenStoreConformance, type StoreFault } from '../../src/testing/index.js';
import { HostApp } from '../support/host-app.js';
import { expectError, newSession, refreshed } from '../support/http.js';

interface Sqlite {
  DatabaseSync: new (path: string) => SqliteDatabase & { close(): void };
}

/** Missing in the types of Node 20. */
const sqlite = process.getBuiltinModule('node:sqlite') as Sqlite | undefined;
const folder = mkdtempSync(join(tmpdir(), 'silent-auth-sql-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A database whose next statement fails before it runs, or after. */
class BreakableDatabase implements SqliteDatabase {
  fault: StoreFault | null = null;

  constructor(private readonly database: SqliteDatabase & { close(): void }) {}

  exec(sql: string): unknown {
    return this.database.exec(sql);
  }

  prepare(sql: string) {
    const statement = this.database.prepare(sql);
    return {
      run: this.breakable((...values: never[]) => statement.run(...values)),
      all: this.breakable((...values: never[]) => statement.all(...values)),
    };
  }

  close(): void {
    this.database.close();
  }

  private breakable<T>(run: (...values: never[]) => T) {
    return (...values: unknown[]): T => {
      const { fault } = this;
      this.fault = null;
      if (fault === 'unreachable') throw new Error('database is locked');
      const result = run(...(values as never[]));
      if (fault === 'answer_lost') throw new Error('disk I/O error');
      return result;
    };
  }
}

if (sqlite) {
  const databases = new Map<RefreshTokenStore, BreakableDatabase>();
  const open = (name: string): SqliteRefreshTokenStore => {
    const database = new BreakableDatabase(new sqlite.DatabaseSync(join(folder, name)));
    const store = new SqliteRefreshTokenStore(database);
    databases.set(store, database);
    return store;
  };

  refreshTokenStoreConformance({
    name: 'SqliteRefreshTokenStore',
    describe,
    it,
    createStore: () => open('conformance.db'),
    closeStore: (store) => databases.get(store)?.close(),
    fail: (store, fault) => void Object.assign(databases.get(store) ?? {}, { fault }),
  });

  it('sessions live in SQL, users in MongoDB', async () => {
    const store = open('host.db');
    const host = await HostApp.start('express', { refreshToken: { allowBodyTransport: true, store } });
    try {
      const session = await newSession(host.api());
      const next = await refreshed(host.api(), session);
      expect(await store.findById(session.id)).toMatchObject({ generation: 1 });
      await host.api().logout({ token: next.accessToken });
      expectError(await host.api().refresh(next.refreshToken), 401, 'SESSION_REVOKED');
    } finally {
      await host.stop();
      databases.get(store)?.close();
    }
  });
} else {
  it.skip(`the SQL example needs node:sqlite, which Node ${process.version} has not`, () => undefined);
}
