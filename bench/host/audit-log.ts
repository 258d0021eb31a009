import { randomBytes } from 'node:crypto';
import type { Connection } from 'mongoose';
import { Types } from 'mongoose';
import { AUTH_EVENT_NAMES } from 'nestjs-silent-auth';

const BATCH = 10_000;
const DAYS = 29;
const DAY_MS = 86_400_000;
const RETENTION_MS = 90 * DAY_MS;
/** One row in twenty is a theft; the others are failed logins and the most frequent events. */
const REUSE_EVERY = 20;
const FAILURE_EVERY = 5;
/** The number of counters that a process keeps for each day. */
const TOPS = 200;

/** Creates an audit log of this many rows over the days before today, and the counters of these days. */
export async function fillAuditLog(connection: Connection, rows: number): Promise<void> {
  const { db } = connection;
  if (!db) throw new Error('the database connection is not open yet');
  const today = Date.parse(new Date().toISOString().slice(0, 10));
  const begin = today - DAYS * DAY_MS;
  for (let first = 0; first < rows; first += BATCH) {
    const documents = Array.from({ length: Math.min(BATCH, rows - first) }, (_, offset) => {
      const n = first + offset;
      return eventRow(n, begin + Math.floor((n / rows) * DAYS * DAY_MS));
    });
    // The plain command: the driver's own `insertMany` measures each document first.
    await db.command({ insert: 'security_events', documents, ordered: false });
  }
  const days = Array.from({ length: DAYS }, (_, index) =>
    new Date(begin + index * DAY_MS).toISOString().slice(0, 10),
  );
  const documents = days.flatMap((day) => countersOf(day, Math.ceil(rows / DAYS)));
  await db.command({ insert: 'security_daily', documents, ordered: false });
}

function eventRow(n: number, at: number) {
  const userId = n % 1000 === 0 ? newId() : USER_IDS[n % USER_IDS.length];
  const row = {
    _id: eventId(at),
    at: new Date(at),
    userId,
    sessionId: SESSION_ID,
    ip: `203.0.${(n >> 8) & 255}.${n & 255}`,
    userAgent: USER_AGENT,
    expiresAt: new Date(at + RETENTION_MS),
  };
  if (n % REUSE_EVERY === 0)
    return {
      ...row,
      type: 'refresh_token.reuse_detected',
      reason: 'successor_confirmed',
      evidence: {
        generation: 3,
        presentedGeneration: 1,
        revoked: true,
        scope: 'session',
        affectedSessionIds: [SESSION_ID],
        lastUse: { ip: '192.0.2.1', userAgent: USER_AGENT, at: new Date(at) },
      },
    };
  return n % FAILURE_EVERY === 0
    ? { ...row, type: 'login.failed', reason: 'wrong_password' }
    : { ...row, type: 'refresh_token.rotated', evidence: { generation: n % 100 } };
}

/** The same number of documents for any number of events. */
function countersOf(day: string, events: number) {
  const expiresAt = new Date(Date.parse(day) + DAY_MS + RETENTION_MS);
  const top = (key: (n: number) => string) =>
    Array.from({ length: TOPS }, (_, n) => ({ key: key(n), count: TOPS - n, error: 0 }));
  return [
    ...AUTH_EVENT_NAMES.map((type) => ({
      _id: `${day} ${type}`,
      day,
      type,
      count: events,
      reasons: { wrong_password: events },
      expiresAt,
    })),
    {
      _id: `${day} top bench`,
      day,
      instance: 'bench',
      sources: top((n) => `203.0.113.${n}`),
      targets: top((n) => USER_IDS[n] ?? newId()),
      expiresAt,
    },
  ];
}

/** Ids as the library creates them (RFC 9562 §5.7). */
function eventId(at: number) {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(at, 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  return new Types.UUID(bytes);
}

function newId(): string {
  return new Types.ObjectId().toHexString();
}

const SESSION_ID = newId();
const USER_IDS = Array.from({ length: TOPS }, newId);
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
