import { BSON } from 'mongodb';
import { badValue, failedToParse, MongoServerFault, typeMismatch } from '../engine/errors.js';
import { wholeNumber } from '../engine/numbers.js';
import { type Document, typeName } from '../engine/values.js';
import { countOption, ZERO_CURSOR } from './arguments.js';
import type { Command, CommandContext } from './command.js';

const getMore: Command = {
  names: ['getMore'],
  options: ['collection', 'batchSize'],
  run: nextBatch,
};

async function nextBatch({ server, command, database }: CommandContext): Promise<Document> {
  const id: unknown = command.getMore;
  if (!(id instanceof BSON.Long)) throw typeMismatch("Field 'getMore' must be of type long");
  const { collection } = command as Record<string, unknown>;
  if (collection === undefined) throw failedToParse("Field 'collection' missing");
  if (typeof collection !== 'string') {
    throw typeMismatch(`Field 'collection' must be of type string, not ${typeName(collection)}`);
  }
  const batchSize = moreSize(command);
  const waitsMs = countOption(command, 'maxTimeMS');
  const cursor = server.cursors.get(id);
  const namespace = `${database}.${collection}`;
  if (namespace !== cursor.namespace) {
    const message = `Requested getMore on namespace '${namespace}', but cursor belongs to a different namespace ${cursor.namespace}`;
    throw new MongoServerFault(13, message);
  }
  if (cursor.busy) throw new MongoServerFault(12051, `cursor id ${id.toString()} is already in use`);
  if (waitsMs !== undefined && !cursor.source.awaitsData) {
    throw badValue('cannot set maxTimeMS on getMore command for a non-awaitData cursor');
  }
  cursor.busy = true;
  try {
    const { docs, exhausted, postBatchResumeToken } = await cursor.source.next(batchSize, waitsMs);
    if (exhausted) server.cursors.kill(id);
    return {
      cursor: {
        nextBatch: docs,
        ...(postBatchResumeToken ? { postBatchResumeToken } : {}),
        id: exhausted ? ZERO_CURSOR : id,
        ns: namespace,
      },
    };
  } catch (error) {
    server.cursors.kill(id);
    throw error;
  } finally {
    cursor.busy = false;
    cursor.lastUsed = Date.now();
  }
}

function moreSize(command: Document): number | undefined {
  const size = command.batchSize === undefined ? undefined : wholeNumber(command.batchSize);
  if (size !== undefined && size < 0) {
    throw badValue(`Batch size for getMore must be positive, but received: ${size}`);
  }
  return size === 0 ? undefined : size;
}

const killCursors: Command = {
  names: ['killCursors'],
  options: ['cursors'],
  run: ({ server, command }) => {
    const { cursors } = command as Record<string, unknown>;
    if (!Array.isArray(cursors)) throw failedToParse("Field 'cursors' must be of type array");
    if (cursors.length === 0) throw badValue('Must specify at least one cursor id');
    const killed: BSON.Long[] = [];
    const notFound: BSON.Long[] = [];
    for (const id of cursors as unknown[]) {
      if (!(id instanceof BSON.Long)) throw failedToParse(`cursor id must be a long, not ${typeName(id)}`);
      (server.cursors.kill(id) ? killed : notFound).push(id);
    }
    return { cursorsKilled: killed, cursorsNotFound: notFound, cursorsAlive: [], cursorsUnknown: [] };
  },
};

export const cursorCommands = [getMore, killCursors];
