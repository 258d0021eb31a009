import assert from 'node:assert/strict';
import { execute } from '../../../packages/embedded-mongo/src/commands/execute.js';
import { encodeReply } from '../../../packages/embedded-mongo/src/engine/wire.js';
import type { Database } from './database.js';

/** Runs commands one after the other. Each must be answered; a missing answer is a defect of the server. */
export async function answerAll(database: Database, commands: readonly object[]): Promise<void> {
  const waiting: Promise<void>[] = [];
  for (const command of commands) {
    const reply = execute(database.execution, command);
    if (reply instanceof Promise) waiting.push(reply.then(checkReply));
    else checkReply(reply);
  }
  database.close();
  await Promise.all(waiting);
}

function checkReply(reply: Record<string, unknown>): void {
  assert(Number(reply.ok) === 1 || (typeof reply.code === 'number' && typeof reply.codeName === 'string'));
  assert.notEqual(reply.codeName, 'InternalError', String(reply.errmsg));
  encodeReply({ responseTo: 1, legacy: false, moreToCome: false }, reply);
}
