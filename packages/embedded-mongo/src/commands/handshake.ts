import type { Command } from './command.js';
import { helloCommand } from './hello.js';

const ping: Command = { names: ['ping'], options: [], run: () => ({}) };

/** Keeps the session: it holds only the reply of its last retryable write, which a driver may still request. */
const endSessions: Command = { names: ['endSessions'], options: [], run: () => ({}) };

export const handshakeCommands = [helloCommand, ping, endSessions];
