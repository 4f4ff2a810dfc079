/** What the operator of the service has set. */
export class RetentionSettings {
  /** @param intervalMs from the end of one sweep of all projects to the next */
  constructor(readonly intervalMs: number) {}
}
