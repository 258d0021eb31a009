import { randomBytes } from 'node:crypto';

const URI = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(?:\?(.*))?$/;

/**
 * The URI of a new database on the server of this run (`TEST_DATABASE_URI`, set by jest's global setup).
 * Keeps the query string. Credentials stay valid: without an explicit `authSource`, naming a database would
 * change the one that authenticates from `admin` to the new name.
 */
export function databaseUri(name: string): string {
  const base = process.env.TEST_DATABASE_URI;
  if (base === undefined) throw new Error('TEST_DATABASE_URI is not set: run the tests through jest');
  const match = URI.exec(base);
  if (match === null) throw new Error('TEST_DATABASE_URI is not a MongoDB URI');
  const [, server = '', query = ''] = match;
  const parameters = query === '' ? [] : query.split('&');
  if (server.includes('@') && !parameters.some((parameter) => parameter.startsWith('authSource='))) {
    parameters.push('authSource=admin');
  }
  const database = `sa_${name.replaceAll(/[^a-z0-9]+/gi, '_').slice(0, 40)}_${randomBytes(4).toString('hex')}`;
  return `${server}/${database}${parameters.length > 0 ? `?${parameters.join('&')}` : ''}`;
}
