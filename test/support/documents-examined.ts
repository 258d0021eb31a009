import type { CommandStartedEvent } from 'mongodb';
import type { Connection, mongo } from 'mongoose';

type Command = Readonly<Record<string, unknown>>;

const EXPLAINED: ReadonlySet<string> = new Set(['find', 'aggregate', 'update', 'delete', 'findAndModify']);
/** Commands that read no documents of a collection by a query. */
const WITHOUT_QUERY: ReadonlySet<string> = new Set([
  'insert',
  'getMore',
  'ping',
  'hello',
  'listIndexes',
  'listCollections',
]);
/** What the driver adds to a command of its own. */
const OF_THE_DRIVER: ReadonlySet<string> = new Set(
  'lsid txnNumber $clusterTime $db $readPreference writeConcern readConcern'.split(' '),
);

export interface Examined {
  readonly documents: number;
  /** Such as `find users by email_1`. */
  readonly description: string;
}

/**
 * How many documents each command takes, by the `explain` of the database itself. Writes are not done again. It runs
 * after the operation, so what that has changed may no longer match, and a query for one document looks further.
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

/** Revocations are followed all the time, whatever is asked. */
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

/** At any depth: where they are depends on the command and on the version of the server. */
function valuesOf(value: unknown, wanted: string): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === wanted ? [inner] : valuesOf(inner, wanted),
  );
}
