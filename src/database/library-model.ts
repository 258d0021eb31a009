import type { Provider } from '@nestjs/common';
import { getModelToken } from '@nestjs/mongoose';
import type { Connection, Schema } from 'mongoose';
import { type CollectionNames, DEFAULT_COLLECTIONS } from '../options/collections.options.js';
import { AUTH_OPTIONS, type ResolvedAuthOptions } from '../options/resolve-options.js';
import { assertConnection, hostConnection } from './host-connection.js';
import type { IndexDescription } from './index-state.js';

/** A model of the library: its name, its schema, and the option that names its collection. */
export interface LibraryModel {
  readonly name: string;
  readonly schema: Schema;
  readonly collection: keyof CollectionNames;
}

/**
 * Provides a model on the host's connection. Unlike `MongooseModule.forFeature`, it reads the options, and keeps the host's
 * global plugins out of the schema, which all modules share.
 */
export function provideModel(model: LibraryModel, connectionName: string | undefined): Provider {
  return {
    provide: getModelToken(model.name, connectionName),
    useFactory: (connection: Connection | undefined, { collections }: ResolvedAuthOptions) => {
      assertConnection(connection, connectionName);
      return modelOn(connection, model, collections[model.collection]);
    },
    inject: [hostConnection(connectionName), AUTH_OPTIONS],
  };
}

function modelOn(
  connection: Connection,
  { name, schema, collection: key }: LibraryModel,
  collection: string,
): object {
  // Two modules on one connection may use different collections.
  const ownName = collection === DEFAULT_COLLECTIONS[key] ? name : `${name}:${collection}`;
  const known = connection.models[ownName];
  if (known) return known;
  const copy = schema.clone();
  copy.set('collection', collection);
  const model = connection.model(ownName, copy, collection);
  // Plugins change the copy, never the original schema.
  ownIndexes.set(model, describeIndexes(schema));
  return model;
}

/** The indexes that the library declared for a model, without those that a global plugin of the host added. */
export function indexesOf(model: { readonly schema: Pick<Schema, 'indexes'> }): readonly IndexDescription[] {
  return ownIndexes.get(model) ?? describeIndexes(model.schema);
}

const ownIndexes = new WeakMap<object, readonly IndexDescription[]>();

function describeIndexes(schema: Pick<Schema, 'indexes'>): readonly IndexDescription[] {
  return schema.indexes().map(([key, options]) => {
    const { unique, expireAfterSeconds, sparse, partialFilterExpression } = options as Omit<
      IndexDescription,
      'key'
    >;
    return {
      key,
      ...(unique && { unique }),
      ...(expireAfterSeconds !== undefined && { expireAfterSeconds }),
      ...(sparse && { sparse }),
      ...(partialFilterExpression !== undefined && { partialFilterExpression }),
    };
  });
}
