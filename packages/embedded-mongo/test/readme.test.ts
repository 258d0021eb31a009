import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BSON } from 'mongodb';
import { type EmbeddedMongo, startEmbeddedMongo } from '../src/index.js';
import { RawClient } from './support/raw-client.js';

type Document = BSON.Document;

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The names in code marks of one item of the list "What it supports". */
function namesOf(item: string): string[] {
  const [, text = ''] = new RegExp(`^- \\*\\*${item}:?\\*\\*:?([^]*?)(?=^- |^#)`, 'm').exec(readme) ?? [];
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

const operatorsOf = (item: string) => namesOf(item).filter((name) => name.startsWith('$'));

let database: EmbeddedMongo;
let client: RawClient;

beforeAll(async () => {
  database = await startEmbeddedMongo();
  client = await RawClient.connect(database.port);
});

afterAll(async () => {
  client.close();
  await database.close();
});

/** Any answer but a refusal: MongoDB's own error for missing fields also proves that the name is known. */
async function expectKnown(command: Document): Promise<void> {
  const reply = await client.command('readme', command);
  const [error = reply] = (reply.writeErrors as Document[] | undefined) ?? [];
  expect(error.code).not.toEqual(new BSON.Int32(238));
}

describe('everything that the README lists exists', () => {
  it.each(namesOf('Commands'))('the command %s', async (name) => {
    await expectKnown({ [name]: 'c' });
  });

  it.each(operatorsOf('Queries'))('the query operator %s', async (name) => {
    await expectKnown({ find: 'c', filter: name === '$or' ? { $or: [{ a: 1 }] } : { a: { [name]: [1] } } });
  });

  it.each(operatorsOf('Updates').filter((name) => name !== '$each' && name !== '$slice'))(
    'the update operator %s',
    async (name) => {
      const update = { [name]: { a: name === '$currentDate' ? true : 1 } };
      await expectKnown({ update: 'c', updates: [{ q: {}, u: update }] });
    },
  );

  it.each(operatorsOf('Aggregation').filter((name) => name !== '$sum'))('the stage %s', async (name) => {
    const specs: Document = { $group: { _id: 1 }, $limit: 1, $count: 'n' };
    await expectKnown({ aggregate: 'c', pipeline: [{ [name]: specs[name] ?? { a: 1 } }], cursor: {} });
  });

  it('is read from its lists', () => {
    expect(namesOf('Commands')).toEqual(expect.arrayContaining(['hello', 'findAndModify', 'dropIndexes']));
    expect(operatorsOf('Queries')).toContain('$or');
    expect(operatorsOf('Updates')).toContain('$currentDate');
    expect(operatorsOf('Aggregation')).toContain('$count');
  });
});
