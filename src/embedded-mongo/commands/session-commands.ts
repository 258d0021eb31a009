import { BSON } from 'mongodb';

import { notImplemented } from '../errors.js';
import type { Command } from './command.js';

const startSession: Command = {
  names: ['startSession'],
  options: [],
  run: () => ({ id: { id: new BSON.UUID() }, timeoutMinutes: 30 }),
};

/** Sessions hold nothing but the last answer of a retryable write, which a lost reply may still ask for. */
const endSessions: Command = { names: ['endSessions', 'refreshSessions'], options: [], run: () => ({}) };

const transactions: Command = {
  names: ['commitTransaction', 'abortTransaction', 'prepareTransaction'],
  options: [],
  run: () => {
    throw notImplemented('A multi-document transaction');
  },
};

export const sessionCommands = [startSession, endSessions, transactions];
