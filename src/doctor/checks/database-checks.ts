import { MAX_OVERDUE_MS } from '../../core/limits.js';
import type { IndexDescription } from '../../database/index-state.js';
import type { DatabaseFacts, DoctorFacts, IndexFact } from './facts.js';
import type { FindingCode, Observation } from './finding.js';

/** Synchronized clocks differ by less than a tenth of a second; the measurement is precise to half a round trip. */
const MAX_CLOCK_LEAD_MS = 10_000;

export function databaseAway({ database }: DoctorFacts): Observation[] {
  if (database === null || !('reason' in database)) return [];
  const { isUnreachable, reason } = database;
  return [
    isUnreachable
      ? {
          code: 'database.unreachable',
          subject: 'database',
          message: `it could not be examined, because it does not answer (${reason}); logins and refreshes answer 503 until it does`,
          fix: 'check the connection string, the network, and whether the server runs',
        }
      : {
          code: 'database.unexamined',
          subject: 'database',
          message: `it could not be examined (${reason})`,
          fix: 'give the database user of the service the role readWrite on its database: the service must read its indexes',
        },
  ];
}

export function indexes({ database }: DoctorFacts): Observation[] {
  const facts = known(database);
  if (!facts) return [];
  return facts.indexes.filter(({ state }) => state !== 'ok').map((index) => describe(index, facts));
}

function describe(index: IndexFact, { buildsIndexes }: DatabaseFacts): Observation {
  const { collection, index: keys, state, found, wanted } = index;
  const what = state === 'missing' ? 'the index is missing' : `the index is another one (${found})`;
  const commands = [
    ...(state === 'different' ? [`db.${nameOf(collection)}.dropIndex(${JSON.stringify(wanted.key)})`] : []),
    `db.${nameOf(collection)}.createIndex(${JSON.stringify(wanted.key)}${optionsOf(wanted)})`,
  ];
  const fix = `in mongosh: ${commands.join('; ')}`;
  const atStart = buildsIndexes
    ? '; the service also builds it when it starts'
    : '; the service builds no indexes itself, because autoIndex is false on its connection';
  return {
    subject: `${collection} ${keys}`,
    ...consequenceOf(index, what),
    fix: state === 'missing' ? fix + atStart : fix,
  };
}

function consequenceOf({ isTtl, wanted }: IndexFact, what: string): { code: FindingCode; message: string } {
  if (isTtl)
    return {
      code: 'database.ttl-index',
      message: `${what}: expired documents are never removed, and the collection grows without limit`,
    };
  if (wanted.unique)
    return {
      code: 'database.unique-index',
      message: `${what}: concurrent requests can create the same entry twice, such as two users with one e-mail address`,
    };
  return {
    code: 'database.index',
    message: `${what}: queries read the whole collection, and slow down as it grows`,
  };
}

export function overdueRemovals({ database }: DoctorFacts): Observation[] {
  return (known(database)?.indexes ?? [])
    .filter(({ overdueMs }) => (overdueMs ?? 0) > MAX_OVERDUE_MS)
    .map(({ collection, index, overdueMs }) => ({
      code: 'database.ttl-overdue',
      subject: `${collection} ${index}`,
      message: `a document that expired ${Math.floor((overdueMs ?? 0) / 60_000)} minutes ago still exists: the database's TTL monitor is off, or cannot keep up`,
      fix: 'on the primary, run in mongosh: db.adminCommand({ getParameter: 1, ttlMonitorEnabled: 1 }); if it is on, check the load of the server',
    }));
}

export function standalone({ database, options }: DoctorFacts): Observation[] {
  if (known(database)?.kind !== 'standalone') return [];
  const revocation =
    options.revocation.mode === 'feed' && options.revocation.store === null
      ? `, and revocations reach other processes by polling (${options.revocation.pollIntervalMs} ms), because it has no change streams`
      : '';
  return [
    {
      code: 'database.standalone',
      subject: 'database',
      message: `it is a standalone server: if it fails, all sessions since the last backup are lost${revocation}`,
      fix: 'run it as a replica set with at least one member: mongod --replSet rs0, then rs.initiate() in mongosh',
    },
  ];
}

/** Token lifetimes use the database's clock; services that verify with the key set use their own. */
export function clockDifference({ database }: DoctorFacts): Observation[] {
  const lead = known(database)?.clockLeadMs ?? 0;
  if (Math.abs(lead) <= MAX_CLOCK_LEAD_MS) return [];
  return [
    {
      code: 'database.clock',
      subject: 'clock',
      message: `this machine's clock is ${Math.round(Math.abs(lead) / 1000)} s ${lead > 0 ? 'ahead of' : 'behind'} the database's, which sets the times in tokens: services that verify tokens with their own clock refuse valid ones or accept expired ones`,
      fix: 'synchronize the clocks of both machines with NTP (chrony, systemd-timesyncd)',
    },
  ];
}

function known(database: DoctorFacts['database']): DatabaseFacts | null {
  return database !== null && 'indexes' in database ? database : null;
}

function nameOf(collection: string): string {
  return /^[a-z_]\w*$/i.test(collection) ? collection : `getCollection(${JSON.stringify(collection)})`;
}

function optionsOf({
  unique,
  expireAfterSeconds,
  sparse,
  partialFilterExpression,
}: IndexDescription): string {
  const options = {
    ...(unique && { unique }),
    ...(expireAfterSeconds !== undefined && { expireAfterSeconds }),
    ...(sparse && { sparse }),
    ...(partialFilterExpression !== undefined && { partialFilterExpression }),
  };
  return Object.keys(options).length > 0 ? `, ${JSON.stringify(options)}` : '';
}
