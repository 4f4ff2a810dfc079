import { ProblemError } from '#http';
import { namesPrivateHost } from './destination.js';

/** What the operator of the service allows. */
export class WebhookSettings {
  /** @param allowPrivate whether destinations may be on this host, its networks or its cloud */
  constructor(readonly allowPrivate: boolean) {}

  /** Refuses at once what no delivery would be allowed to reach. @throws ProblemError validation_failed at /url */
  refusePrivate(url: string | undefined): void {
    if (url === undefined || this.allowPrivate || !namesPrivateHost(new URL(url))) return;
    const detail = 'must not name a private address: WEBHOOKS_ALLOW_PRIVATE is not set';
    throw new ProblemError('validation_failed', `/url: url ${detail}.`, {
      errors: [{ pointer: '/url', detail: `url ${detail}` }],
    });
  }
}
