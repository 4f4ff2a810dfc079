import type { Principal, RecordedEvent } from '#eventsourcing';

/** Streams whose events are keys: who has them reads what was sealed. */
const secret = ['transcriptSeeds-', 'processEnvKey-', 'processInputKey-'];

/** Whether the content of an event may be shown to those who read the audit of a project. */
export const shownIn = (project: string) => {
  return ({ stream, metadata }: RecordedEvent): boolean =>
    metadata.project === project && !secret.some((prefix) => stream.startsWith(prefix));
};

/** Streams of the instance: a part of one would look as if the rest had been removed. */
const common = ['projection-'];

/** Whether an event stands in the export of a project, and not its leaf alone. */
export const exportedFrom = (project: string) => {
  const shown = shownIn(project);
  return (event: RecordedEvent): boolean =>
    shown(event) && !common.some((prefix) => event.stream.startsWith(prefix));
};

/** Only the first project's admins answer for all projects, and may have the events of all. */
export const seesInstance = ({ role, projectId }: Principal): boolean =>
  role === 'admin' && projectId === 'default';
