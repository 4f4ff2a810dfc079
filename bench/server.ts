import 'reflect-metadata';
import { Controller, HttpCode, Module, Post } from '@nestjs/common';
import { Allow } from '#access';
import { createApp } from '../apps/server/src/app.js';
import { EmbeddedPostgres } from '../apps/server/src/embedded-postgres.js';
import { readSettings } from '../apps/server/src/settings.js';

/** The reference: what the framework and the authentication cost when nothing is done. */
@Controller('v1/empty')
class EmptyController {
  @Post()
  @Allow('admin')
  @HttpCode(204)
  empty(): void {
    // The answer is the work.
  }
}

@Module({ controllers: [EmptyController] })
class EmptyModule {}

/** What the server under test tells the bench once it listens. */
export interface Listening {
  readonly url: string;
  readonly databaseUrl: string;
}

const settings = readSettings(process.env);
const postgres = await EmbeddedPostgres.start({ dataDir: settings.dataDir, notice: console.error });
const options = {
  settings,
  databaseUrl: postgres.url,
  bootstrapKey: settings.bootstrapApiKey ?? '',
  modules: [EmptyModule],
};
const app = await createApp(options);

let stopping = false;
const stop = async (): Promise<void> => {
  if (stopping) return;
  stopping = true;
  await app.close();
  await postgres.stop();
  process.exit(0);
};
// Ctrl-C reaches the whole group; Postgres would outlive a server that simply died.
for (const end of ['disconnect', 'SIGINT', 'SIGTERM']) process.once(end, () => void stop());
process.send?.({ url: await app.listen(), databaseUrl: postgres.url } satisfies Listening);
