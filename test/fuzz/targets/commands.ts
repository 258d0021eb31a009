import { BSON } from 'mongodb';
import { decodeRequest } from '../../../packages/embedded-mongo/src/engine/wire.js';
import { emptyDatabase } from '../support/database.js';
import { answerAll } from '../support/replies.js';

const MAX_COMMANDS = 20;

/** Commands to the embedded database in Extended JSON, one per line. */
export async function fuzz(data: Buffer): Promise<void> {
  const commands = data
    .toString('utf8')
    .split('\n')
    .slice(0, MAX_COMMANDS)
    .flatMap((line) => decoded(line));
  if (commands.length > 0) await answerAll(emptyDatabase(), commands);
}

/** The command as it arrives over the wire. */
function decoded(line: string): object[] {
  const doc = serialized(line);
  if (!doc) return [];
  const frame = Buffer.alloc(21 + doc.length);
  frame.writeInt32LE(frame.length, 0);
  frame.writeInt32LE(2013, 12);
  frame.set(doc, 21);
  const { body } = decodeRequest(frame);
  return 'command' in body ? [body.command] : [];
}

function serialized(line: string): Uint8Array | null {
  try {
    const command = BSON.EJSON.parse(line, { relaxed: false }) as unknown;
    if (typeof command !== 'object' || command === null || Array.isArray(command)) return null;
    return BSON.serialize({ ...command, $db: 'test' });
  } catch {
    // Not a document.
    return null;
  }
}
