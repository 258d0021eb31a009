import { describe, expect, it } from '@jest/globals';
import mongoose, { type Connection } from 'mongoose';
import { assertOneMongoose } from '../../src/database/one-mongoose.js';

describe('two copies of mongoose', () => {
  it('are refused with their versions', () => {
    const connection = { base: { version: '8.1.0' } } as Connection;
    expect(() => assertOneMongoose(connection)).toThrow(
      `Two copies of mongoose are installed: the application's connection belongs to mongoose 8.1.0, nestjs-silent-auth loads a mongoose ${mongoose.version} of its own.`,
    );
  });

  it('are not reported if the application makes its own instance or connection', () => {
    expect(() => assertOneMongoose(mongoose.createConnection())).not.toThrow();
    expect(() => assertOneMongoose(new mongoose.Mongoose().createConnection())).not.toThrow();
  });
});
