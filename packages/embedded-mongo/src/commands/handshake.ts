import type { Command } from './command.js';
import { helloCommand } from './hello.js';

const ping: Command = { names: ['ping'], options: [], run: () => ({}) };

/** A session holds only the reply of its last retryable write, and a driver may still ask for that. */
const endSessions: Command = { names: ['endSessions'], options: [], run: () => ({}) };

export const handshakeCommands = [helloCommand, ping, endSessions];
