import 'reflect-metadata';
import { buildForParent } from '#read-models';
import { type CoreOptions, eventStoreAt } from './core.module.js';
import { rebuildable } from './read-models.js';

buildForParent(rebuildable(), async (sent) => {
  const options = sent as CoreOptions;
  return { store: await eventStoreAt(options), url: options.databaseUrl };
});
