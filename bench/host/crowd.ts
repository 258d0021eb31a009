import { createHmac } from 'node:crypto';
import type { Connection } from 'mongoose';
import { Types } from 'mongoose';

const BATCH = 1_000;
const SESSIONS_PER_USER = 4;
const EXPIRIES_MS = 6 * 86_400_000;

/** The ids of the copies, computed without a query. */
export function crowdId(kind: 'session' | 'user', n: number): string {
  const number = kind === 'session' ? n : Math.floor(n / SESSIONS_PER_USER);
  return (kind === 'session' ? '5e' : '05e1').padEnd(12, '0') + number.toString(16).padStart(12, '0');
}

/** Fills a database with copies of one session and its user, as if this many had logged in over some days. */
export async function fillWithCrowd(connection: Connection, sessionId: string, count: number): Promise<void> {
  const { db } = connection;
  const session = await db?.collection('refresh_tokens').findOne({ _id: new Types.ObjectId(sessionId) });
  const user =
    session &&
    (await db?.collection('users').findOne({ _id: new Types.ObjectId(String(session['userId'])) }));
  if (!db || !session || !user) throw new Error('there is no session to copy');
  const latestExpiry = (session['expiresAt'] as Date).getTime();
  for (let first = 0; first < count; first += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, count - first) }, (_, offset) => first + offset);
    const users = numbers.filter((n) => n % SESSIONS_PER_USER === 0);
    await db.collection('users').insertMany(
      users.map((n) => ({
        ...user,
        _id: new Types.ObjectId(crowdId('user', n)),
        email: `crowd-${n}@example.com`,
      })),
    );
    await db.collection('refresh_tokens').insertMany(
      numbers.map((n) => ({
        ...session,
        _id: new Types.ObjectId(crowdId('session', n)),
        userId: crowdId('user', n),
        expiresAt: new Date(latestExpiry - Math.floor((n / count) * EXPIRIES_MS)),
      })),
    );
  }
}

/** The refresh token of the n-th copy: the original with other ids, signed again. */
export function crowdToken(original: string, n: number, secret: string): string {
  const [header = '', payload = ''] = original.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { gen: number };
  const sid = crowdId('session', n);
  const own = { ...claims, sid, sub: crowdId('user', n), jti: `${sid}.${claims.gen}` };
  const signed = `${header}.${Buffer.from(JSON.stringify(own)).toString('base64url')}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
