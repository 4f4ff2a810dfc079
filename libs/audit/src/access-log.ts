import { Logger } from '@nestjs/common';
import { StoreUnavailable } from '#eventsourcing';
import { arrayOf } from '#postgres';
import { Database } from '#read-models';

/** One request that has read something, or was refused. */
export interface Access {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly project_id: string | undefined;
  readonly principal_id: string | undefined;
  readonly method: string;
  /** The pattern of the route, never the path itself. */
  readonly route: string;
  readonly resource_id: string | undefined;
  readonly status: number;
  readonly code: string | undefined;
  readonly request_id: string;
}

const batch = 1_000;
const storeEvery = 1_000;
/** So many may wait to be stored; what comes then waits at the door. */
const mostWaiting = 20_000;
const longestWait = 5_000;

const insert = `
  INSERT INTO audit.accesses (at, project_id, principal_id, method, route, resource_id, status, code, request_id)
  SELECT to_timestamp(a.at / 1000.0), a.project_id, a.principal_id, a.method, a.route, a.resource_id, a.status,
    a.code, a.request_id
  FROM unnest($1::float8[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::text[],
    $9::text[]) AS a(at, project_id, principal_id, method, route, resource_id, status, code, request_id)`;
const columns = [
  'at',
  'project_id',
  'principal_id',
  'method',
  'route',
  'resource_id',
  'status',
  'code',
  'request_id',
] as const;

/**
 * Stores who has read what, and who was refused: every second, or as soon as there are a thousand, off the
 * path of the requests. What cannot be stored is kept and tried again; when too much is kept, requests wait
 * at the door, and are turned away after five seconds. So nothing is read without a record but what a
 * process had still to store when it was killed: a second's worth.
 */
export class AccessLog {
  private waiting: Access[] = [];
  private storing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private readonly atTheDoor = new Set<() => void>();
  private readonly logger = new Logger('AccessLog');

  constructor(private readonly database: Database) {}

  record(access: Access): void {
    this.waiting.push(access);
    if (this.waiting.length >= batch) this.storeSoon(0);
    else this.storeSoon(storeEvery);
  }

  /** Undefined when there is room for one more; else resolves when there is. @throws StoreUnavailable after 5 s */
  room(): Promise<void> | undefined {
    if (this.waiting.length < mostWaiting) return undefined;
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        clearTimeout(timer);
        this.atTheDoor.delete(enter);
        resolve();
      };
      const timer = setTimeout(() => {
        this.atTheDoor.delete(enter);
        reject(new StoreUnavailable('accesses cannot be recorded'));
      }, longestWait);
      this.atTheDoor.add(enter);
    });
  }

  /** Stores what has been recorded up to now. @throws StoreUnavailable */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    while (this.waiting.length > 0) await this.store();
  }

  private storeSoon(ms: number): void {
    if (ms === 0 && this.storing === undefined) clearTimeout(this.timer);
    else if (this.timer !== undefined || this.storing !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.store().catch((error: unknown) => {
        this.logger.error(`${this.waiting.length} accesses wait to be stored: ${String(error)}`);
        this.storeSoon(storeEvery);
      });
    }, ms);
  }

  /** One batch after the other, so that none is stored twice. */
  private store(): Promise<void> {
    this.storing ??= this.storeAll().finally(() => {
      this.storing = undefined;
      if (this.waiting.length > 0) this.storeSoon(storeEvery);
    });
    return this.storing;
  }

  private async storeAll(): Promise<void> {
    while (this.waiting.length > 0) await this.storeBatch();
  }

  private async storeBatch(): Promise<void> {
    const some = this.waiting.slice(0, batch);
    await this.database.prepared(
      'accesses',
      insert,
      columns.map((column) => arrayOf(some.map((access) => access[column]))),
    );
    this.waiting = this.waiting.slice(some.length);
    for (const enter of [...this.atTheDoor]) if (this.waiting.length < mostWaiting) enter();
  }
}
