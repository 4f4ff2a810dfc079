import 'reflect-metadata';
import { buildForParent } from '#read-models';
import { eventStoreAt, type StoreOptions } from './event-store-at.js';
import { rebuildable } from './read-models.js';

buildForParent(rebuildable(), async (sent) => {
  const options = sent as StoreOptions;
  return { store: await eventStoreAt(options), url: options.databaseUrl };
});
