import type { OptionalFactoryDependency } from '@nestjs/common';
import { getConnectionToken } from '@nestjs/mongoose';
import type { Connection } from 'mongoose';

/** The host's connection for `inject`. Optional, so that {@link assertConnection} reports a missing one, not Nest in terms of its tokens. */
export function hostConnection(name: string | undefined): OptionalFactoryDependency {
  return { token: getConnectionToken(name), optional: true };
}

/** @throws Error if the host has no such connection */
export function assertConnection(
  connection: Connection | undefined,
  name: string | undefined,
): asserts connection {
  if (connection) return;
  const [named, option] = name ? [` named '${name}'`, `, { connectionName: '${name}' }`] : ['', ''];
  throw new Error(
    `AuthModule needs a Mongoose connection${named}, and the application has none: ` +
      `add MongooseModule.forRoot(uri${option}) to the imports, next to AuthModule.`,
  );
}
