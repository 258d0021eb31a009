import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MongoClient, ObjectId } from 'mongodb';
import mongoose from 'mongoose';

import { type EmbeddedMongo, startEmbeddedMongo } from '../../src/embedded-mongo/index.js';

let database: EmbeddedMongo;
let client: MongoClient;

beforeAll(async () => {
  database = await startEmbeddedMongo({ ttlMonitorIntervalMs: 50 });
  client = await MongoClient.connect(database.uri);
});

afterAll(async () => {
  await client.close();
  await database.close();
});

describe('the driver', () => {
  test('writes and reads back', async () => {
    const users = client.db('smoke').collection('users');
    await users.createIndex({ email: 1 }, { unique: true });
    await users.insertMany([
      { email: 'a@x.io', n: 1 },
      { email: 'b@x.io', n: 2 },
    ]);
    await expect(users.insertOne({ email: 'a@x.io' })).rejects.toMatchObject({
      code: 11000,
      keyPattern: { email: 1 },
      keyValue: { email: 'a@x.io' },
    });
    expect(
      await users.findOneAndUpdate({ email: 'a@x.io' }, { $inc: { n: 5 } }, { returnDocument: 'after' }),
    ).toMatchObject({ n: 6 });
    expect(await users.updateMany({}, { $set: { seen: true } })).toMatchObject({
      matchedCount: 2,
      modifiedCount: 2,
    });
    expect(await users.countDocuments({ seen: true })).toBe(2);
    expect(await users.find({}, { sort: { n: -1 }, projection: { _id: 0, n: 1 } }).toArray()).toEqual([
      { n: 6 },
      { n: 2 },
    ]);
    expect(await users.deleteOne({ n: 2 })).toMatchObject({ deletedCount: 1 });
    expect((await users.indexes()).map(({ name }) => name)).toEqual(['_id_', 'email_1']);
  });
});

describe('Mongoose', () => {
  test('creates, finds, saves and checks versions', async () => {
    const connection = await mongoose.createConnection(database.uri, { dbName: 'mongoose' }).asPromise();
    const schema = new mongoose.Schema({ email: { type: String, unique: true }, tags: [String], at: Date });
    const User = connection.model('User', schema);
    await User.init();
    const user = await User.create({ email: 'a@x.io', tags: ['x'] });
    user.tags.push('y');
    await user.save();
    expect(await User.findById(user._id).lean()).toMatchObject({ tags: ['x', 'y'] });
    expect(
      await User.findOneAndUpdate(
        { email: 'n@x.io' },
        { $setOnInsert: { tags: ['z'] } },
        { upsert: true, returnDocument: 'after' },
      ),
    ).toMatchObject({ tags: ['z'] });
    expect(await User.exists({ _id: new ObjectId() })).toBeNull();
    await connection.close();
  });
});
