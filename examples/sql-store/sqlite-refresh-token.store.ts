import { randomBytes } from 'node:crypto';
import {
  type Authentication,
  AuthError,
  type EndedLogin,
  type LiveSessionCount,
  MAX_PREDECESSORS,
  MAX_RECENT_USES,
  type RecentUse,
  type RefreshSession,
  type RefreshTokenStore,
  type ReissueCommand,
  type RevocationReason,
  type RotationCommand,
  type SessionLogin,
  type SharedUse,
} from 'nestjs-silent-auth';

type Value = string | number | null;
type Row = Record<string, Value>;

/**
 * The part of a database that the store uses: `DatabaseSync` of node:sqlite and `Database` of better-sqlite3 have
 * it.
 */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): { run(...values: Value[]): unknown; all(...values: Value[]): unknown[] };
}

/** Columns are for conditions; all other fields of a session, now or in a later version, are in `rest`. */
const TABLE = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS refresh_tokens (
    id TEXT PRIMARY KEY,
    userId TEXT NOT NULL,
    tokenVersion TEXT NOT NULL,
    deviceId TEXT,
    generation INTEGER NOT NULL,
    tokenHash TEXT NOT NULL,
    rotatedAt INTEGER NOT NULL,
    confirmedAt INTEGER,
    lastUsedAt INTEGER NOT NULL,
    expiresAt INTEGER NOT NULL,
    absoluteExpiresAt INTEGER NOT NULL,
    revokedAt INTEGER,
    revokedReason TEXT,
    predecessors TEXT NOT NULL,
    abandoned TEXT NOT NULL,
    recentUses TEXT NOT NULL,
    sharedUse TEXT NOT NULL,
    device TEXT NOT NULL,
    rest TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS live_sessions ON refresh_tokens (userId, revokedAt, lastUsedAt DESC);
  CREATE INDEX IF NOT EXISTS devices ON refresh_tokens (userId, deviceId, tokenVersion) WHERE deviceId IS NOT NULL;
  CREATE INDEX IF NOT EXISTS expiry ON refresh_tokens (expiresAt);`;

const DATES = [
  'rotatedAt',
  'confirmedAt',
  'lastUsedAt',
  'expiresAt',
  'absoluteExpiresAt',
  'revokedAt',
] as const;
const DOCUMENTS = ['predecessors', 'abandoned', 'recentUses', 'sharedUse', 'device'] as const;
const PLAIN = ['id', 'userId', 'tokenVersion', 'generation', 'tokenHash', 'revokedReason'] as const;

const NOW = `CAST(unixepoch('subsec') * 1000 AS INTEGER)`;
const LIVE = 'userId = ? AND revokedAt IS NULL AND expiresAt > ?';
const LATEST_USE_FIRST = 'ORDER BY lastUsedAt DESC, id DESC';
const NEW_GENERATION = `tokenHash = ?, rotatedAt = coalesce(?, ${NOW}), lastUsedAt = ?,
  expiresAt = coalesce(?, expiresAt), generation = generation + 1, confirmedAt = NULL,
  ${appended('recentUses', MAX_RECENT_USES)}`;
const IS_CURRENT = 'id = ? AND tokenHash = ? AND revokedAt IS NULL AND expiresAt > ?';

/** Keeps sessions in an SQL table. Each operation is one statement, so it needs no transaction. */
export class SqliteRefreshTokenStore implements RefreshTokenStore {
  constructor(private readonly database: SqliteDatabase) {
    database.exec(TABLE);
  }

  newId(): string {
    return randomBytes(12).toString('hex');
  }

  async readTime(): Promise<number> {
    return Number(this.rows(`SELECT ${NOW} AS now`)[0]?.now);
  }

  async create(session: RefreshSession): Promise<void> {
    const row = toRow(session);
    const names = Object.keys(row);
    this.rows(
      `INSERT INTO refresh_tokens (${names.join()}) VALUES (${names.map(() => '?').join()})`,
      ...Object.values(row),
    );
  }

  async rotate(command: RotationCommand): Promise<RefreshSession | null> {
    const predecessor = toText(command.predecessor);
    return this.one(
      `UPDATE refresh_tokens SET ${NEW_GENERATION}, ${appended('predecessors', MAX_PREDECESSORS)}
       WHERE ${IS_CURRENT} AND absoluteExpiresAt = ? AND (rest ->> '$.deviceKey' IS NULL OR NOT ?) RETURNING *`,
      ...newGeneration(command),
      predecessor,
      ...isCurrent(command),
      command.ifAbsoluteExpiresAt.getTime(),
      Number(command.ifUnbound ?? false),
    );
  }

  async reissue(command: ReissueCommand): Promise<RefreshSession | null> {
    const { predecessors, abandoned, sharedUse } = command;
    return this.one(
      `UPDATE refresh_tokens SET ${NEW_GENERATION}, predecessors = ?, abandoned = ?, sharedUse = coalesce(?, sharedUse)
       WHERE ${IS_CURRENT} AND generation = ? AND (confirmedAt IS NULL OR NOT ?) RETURNING *`,
      ...newGeneration(command),
      toText(predecessors),
      toText(abandoned),
      sharedUse && toText(sharedUse),
      ...isCurrent(command),
      command.ifGeneration,
      Number(command.ifUnconfirmed),
    );
  }

  async findById(id: string): Promise<RefreshSession | null> {
    return this.one('SELECT * FROM refresh_tokens WHERE id = ?', id);
  }

  async findLive(userId: string, now: Date): Promise<RefreshSession[]> {
    const sql = `SELECT * FROM refresh_tokens WHERE ${LIVE} ${LATEST_USE_FIRST}`;
    return this.rows(sql, userId, now.getTime()).map(toSession);
  }

  async hasDevice(userId: string, deviceId: string, tokenVersion?: string): Promise<boolean> {
    const sql = `SELECT 1 FROM refresh_tokens WHERE userId = ? AND deviceId = ? AND tokenVersion = coalesce(?, tokenVersion) LIMIT 1`;
    return this.rows(sql, userId, deviceId, tokenVersion ?? null).length > 0;
  }

  async findLogins(userId: string, now: Date): Promise<SessionLogin[]> {
    return (await this.findLive(userId, now)).map(toLogin);
  }

  async findEndedLogins(userId: string): Promise<EndedLogin[]> {
    const sql = `SELECT * FROM refresh_tokens WHERE userId = ? AND revokedAt IS NOT NULL ORDER BY revokedAt DESC LIMIT 100`;
    const ended = this.rows(sql, userId).map(toSession);
    return ended.map((session) => ({ ...toLogin(session), revokedReason: session.revokedReason }));
  }

  async countLive(now: Date, limit: number): Promise<LiveSessionCount> {
    const sql = `SELECT count(*) AS looked, count(*) FILTER (WHERE revokedAt IS NULL) AS active
      FROM (SELECT revokedAt FROM refresh_tokens WHERE expiresAt > ? LIMIT ?)`;
    const [row] = this.rows(sql, now.getTime(), limit);
    return { active: Number(row?.active), isAtLeast: row?.looked === limit };
  }

  async confirm(id: string, generation: number, now: Date): Promise<void> {
    const sql = `UPDATE refresh_tokens SET confirmedAt = ? WHERE id = ? AND generation = ? AND confirmedAt IS NULL`;
    this.rows(sql, now.getTime(), id, generation);
  }

  async recordSharedUse(id: string, generation: number, use: RecentUse, sharedUse: SharedUse): Promise<void> {
    const sql = `UPDATE refresh_tokens SET ${appended('recentUses', MAX_RECENT_USES)}, sharedUse = ?
      WHERE id = ? AND generation = ?`;
    this.rows(sql, toText(use), toText(sharedUse), id, generation);
  }

  async recordProof(
    id: string,
    generation: number,
    use: RecentUse & { readonly proof: string },
  ): Promise<boolean> {
    const sql = `UPDATE refresh_tokens SET ${appended('recentUses', MAX_RECENT_USES)}
      WHERE id = ? AND generation = ?
      AND NOT EXISTS (SELECT 1 FROM json_each(recentUses) WHERE value ->> '$.proof' = ?) RETURNING *`;
    return this.one(sql, toText(use), id, generation, use.proof) !== null;
  }

  async recordAuthentication(id: string, made: Authentication, now: Date): Promise<RefreshSession | null> {
    return this.one(
      `UPDATE refresh_tokens SET rest = json_set(rest, '$.authTime', json(?), '$.amr', json(?))
       WHERE id = ? AND revokedAt IS NULL AND expiresAt > ? RETURNING *`,
      toText(made.authTime),
      toText(made.amr),
      id,
      now.getTime(),
    );
  }

  async bindDevice(id: string, deviceKey: string, now: Date): Promise<RefreshSession | null> {
    return this.one(
      `UPDATE refresh_tokens SET rest = json_set(rest, '$.deviceKey', coalesce(rest ->> '$.deviceKey', ?))
       WHERE id = ? AND revokedAt IS NULL AND expiresAt > ? RETURNING *`,
      deviceKey,
      id,
      now.getTime(),
    );
  }

  async replaceFingerprint(id: string, ifFingerprint: string, fingerprint: string): Promise<void> {
    const sql = `UPDATE refresh_tokens SET device = json_set(device, '$.fingerprint', ?)
      WHERE id = ? AND device ->> '$.fingerprint' = ?`;
    this.rows(sql, fingerprint, id, ifFingerprint);
  }

  async revoke(ids: readonly string[], reason: RevocationReason, now: Date): Promise<string[]> {
    const sql = `UPDATE refresh_tokens SET revokedAt = ?, revokedReason = ?
      WHERE id IN (SELECT value FROM json_each(?)) AND revokedAt IS NULL RETURNING id`;
    return this.rows(sql, now.getTime(), reason, JSON.stringify(ids)).map(({ id }) => String(id));
  }

  async removeOfUser(userId: string): Promise<void> {
    this.rows('DELETE FROM refresh_tokens WHERE userId = ?', userId);
  }

  /** Call it from time to time, such as once an hour. */
  deleteExpired(now: Date): void {
    this.rows('DELETE FROM refresh_tokens WHERE expiresAt <= ?', now.getTime());
  }

  private one(sql: string, ...values: Value[]): RefreshSession | null {
    const [row] = this.rows(sql, ...values);
    return row ? toSession(row) : null;
  }

  private rows(sql: string, ...values: Value[]): Row[] {
    try {
      const statement = this.database.prepare(sql);
      if (/^SELECT|RETURNING/.test(sql)) return statement.all(...values) as Row[];
      statement.run(...values);
      return [];
    } catch (cause) {
      // The library answers 503 and ends no session; any other error is a bug and answers 500.
      if (/busy|locked|disk|not open/i.test(String(cause)))
        throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'SQLite does not answer', cause });
      throw cause;
    }
  }
}

/** The assignment that appends a parameter to a list and drops its first entry when it is full. */
function appended(list: string, limit: number): string {
  const kept = `CASE WHEN json_array_length(${list}) < ${limit} THEN ${list} ELSE json_remove(${list}, '$[0]') END`;
  return `${list} = json_insert(${kept}, '$[#]', json(?))`;
}

function newGeneration(command: RotationCommand | ReissueCommand): Value[] {
  const { tokenHash, rotatedAt, now, expiresAt, use } = command;
  return [
    tokenHash,
    rotatedAt && rotatedAt.getTime(),
    now.getTime(),
    expiresAt && expiresAt.getTime(),
    toText(use),
  ];
}

function isCurrent({ sessionId, ifTokenHash, now }: RotationCommand | ReissueCommand): Value[] {
  return [sessionId, ifTokenHash, now.getTime()];
}

function toRow(session: RefreshSession): Row {
  const rest: Record<string, unknown> = { ...session };
  const take = (name: keyof RefreshSession) => {
    delete rest[name];
    return session[name];
  };
  return {
    ...Object.fromEntries(PLAIN.map((name) => [name, take(name) as Value])),
    ...Object.fromEntries(DATES.map((name) => [name, (take(name) as Date | null)?.getTime() ?? null])),
    ...Object.fromEntries(DOCUMENTS.map((name) => [name, toText(take(name))])),
    deviceId: session.device.deviceId,
    rest: toText(rest),
  };
}

function toSession(row: Row): RefreshSession {
  return {
    ...(toValue(row.rest) as object),
    ...Object.fromEntries(PLAIN.map((name) => [name, row[name]])),
    ...Object.fromEntries(
      DATES.map((name) => [name, row[name] === null ? null : new Date(Number(row[name]))]),
    ),
    ...Object.fromEntries(DOCUMENTS.map((name) => [name, toValue(row[name])])),
  } as unknown as RefreshSession;
}

function toLogin({ id, createdAt, device: { ip, userAgent, deviceId } }: RefreshSession): SessionLogin {
  return { id, at: createdAt, ip, userAgent, deviceId };
}

/** JSON that keeps dates. */
function toText(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, given: unknown) {
    const member = this[key];
    return member instanceof Date ? { $date: member.getTime() } : given;
  });
}

function toValue(text: Value | undefined): unknown {
  return JSON.parse(String(text), (_key, value: { $date?: number } | null) =>
    typeof value?.$date === 'number' ? new Date(value.$date) : value,
  );
}
