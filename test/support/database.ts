import { randomBytes } from 'node:crypto';

const URI = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/[^?]*)?(?:\?(.*))?$/;

/**
 * The URI of a database of its own on the server that this run uses (`TEST_DATABASE_URI`, set by jest's global setup).
 * The query string is kept. Credentials stay valid: without `authSource`, naming a database would move the one
 * that is asked for them from `admin` to the new name.
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
