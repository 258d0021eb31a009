import assert from 'node:assert/strict';
import { BrokenStream, FrameReader } from '../../../packages/embedded-mongo/src/engine/frame-reader.js';
import { decodeRequest, type Request } from '../../../packages/embedded-mongo/src/engine/wire.js';
import { emptyDatabase } from '../support/database.js';
import { answerAll } from '../support/replies.js';

/** The bytes of a connection to the embedded database; and one message of them with the right lengths. */
export async function fuzz(data: Buffer): Promise<void> {
  const whole = requestsOf([data]);
  const half = data.length >> 1;
  assert.deepEqual(requestsOf([data.subarray(0, half), data.subarray(half)]), whole);
  await answer([...whole, ...requestsOf([message(data)])]);
}

async function answer(requests: readonly Request[]): Promise<void> {
  const commands = requests.flatMap(({ body }) => ('command' in body ? [body.command] : []));
  await answerAll(emptyDatabase(), commands);
}

function requestsOf(chunks: readonly Buffer[]): Request[] {
  const frames = new FrameReader();
  const requests: Request[] = [];
  try {
    for (const chunk of chunks)
      for (const frame of frames.push(Buffer.from(chunk))) requests.push(decodeRequest(frame));
  } catch (error) {
    assert(error instanceof BrokenStream);
  }
  return requests;
}

/** An OP_MSG with one document, whose elements are the input. */
function message(elements: Buffer): Buffer {
  const bytes = Buffer.alloc(26 + elements.length);
  bytes.writeInt32LE(bytes.length, 0);
  bytes.writeInt32LE(2013, 12);
  bytes.writeInt32LE(elements.length + 5, 21);
  bytes.set(elements, 25);
  return bytes;
}
