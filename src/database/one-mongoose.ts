import { type Connection, Mongoose, version } from 'mongoose';

/**
 * Two copies of Mongoose do not recognise each other's object ids, errors and schema types.
 * @throws Error if the connection belongs to another copy than the one that this library loads
 */
export function assertOneMongoose({ base }: Connection): void {
  if (base instanceof Mongoose) return;
  throw new Error(
    `Two copies of mongoose are installed: the application's connection belongs to mongoose ${(base as Mongoose).version}, ` +
      `nestjs-silent-auth loads a mongoose ${version} of its own. Keep one; \`npm ls mongoose\` shows where they are.`,
  );
}
