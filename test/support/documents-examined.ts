import type { CommandStartedEvent } from 'mongodb';
import type { Connection, mongo } from 'mongoose';

type Command = Readonly<Record<string, unknown>>;

const EXPLAINED: ReadonlySet<string> = new Set(['find', 'aggregate', 'update', 'delete', 'findAndModify']);
/** Commands that do not query a collection. */
const WITHOUT_QUERY: ReadonlySet<string> = new Set([
  'insert',
  'getMore',
  'ping',
  'hello',
  'listIndexes',
  'listCollections',
]);
/** Fields that the driver adds to each command. */
const OF_THE_DRIVER: ReadonlySet<string> = new Set(
  'lsid txnNumber $clusterTime $db $readPreference writeConcern readConcern'.split(' '),
);

export interface Examined {
  readonly documents: number;
  /** For example `find users by email_1`. */
  readonly description: string;
}

/**
 * How many documents each command examines, by the database's own `explain`; writes are not repeated. It runs
 * after the operation, so what the operation changed may no longer match, and a query for one document
 * examines more.
 */
export async function documentsExamined(
  connection: Connection,
  commands: readonly CommandStartedEvent[],
): Promise<Examined[]> {
  const { db } = connection;
  if (!db) throw new Error('not connected');
  const examined: Examined[] = [];
  for (const { commandName, command } of commands) {
    if (WITHOUT_QUERY.has(commandName) || isFeed(command)) continue;
    if (!EXPLAINED.has(commandName)) throw new Error(`${commandName}: not known to this test`);
    for (const single of statementsOf(command)) examined.push(await explain(db, commandName, single));
  }
  return examined;
}

/** The revocation feed polls all the time, independently of requests. */
function isFeed(command: Command): boolean {
  const [stage] = (command.pipeline ?? []) as readonly object[];
  return command.find === 'revocations' || (stage !== undefined && '$changeStream' in stage);
}

/** A server explains one statement at a time. */
function statementsOf(command: Command): Command[] {
  const own = Object.fromEntries(Object.entries(command).filter(([name]) => !OF_THE_DRIVER.has(name)));
  for (const batch of ['updates', 'deletes'])
    if (Array.isArray(own[batch]))
      return own[batch].map((statement: unknown) => ({ ...own, [batch]: [statement] }));
  return [own];
}

async function explain(db: mongo.Db, name: string, command: Command): Promise<Examined> {
  const plan = await db.command({ explain: command, verbosity: 'executionStats' });
  const counts = valuesOf(plan, 'totalDocsExamined').map(Number);
  if (counts.length === 0) throw new Error(`no totalDocsExamined: ${JSON.stringify(plan)}`);
  const indexes = [...new Set(valuesOf(plan.queryPlanner ?? plan, 'indexName'))];
  const by = indexes.length > 0 ? `by ${indexes.join(', ')}` : 'without an index';
  return { documents: Math.max(...counts), description: `${name} ${String(command[name])} ${by}` };
}

/** Searches at any depth: the place depends on the command and the server version. */
function valuesOf(value: unknown, wanted: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === wanted ? [inner] : valuesOf(inner, wanted),
  );
}
