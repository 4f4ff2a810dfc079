import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A row of the register of projections. */
@Entity({ schema: 'runledger', name: 'projections' })
export class ProjectionRow {
  @PrimaryColumn('text')
  name: string;

  @PrimaryColumn('text')
  build: 'serving' | 'building';

  @Column('integer')
  version: number;

  /** Position of the last event taken into account, as decimal digits. */
  @Column('bigint')
  position: string;

  /** How many events this build has folded, as decimal digits. */
  @Column('bigint')
  events: string;

  /** What went wrong with the newest batch, when it is being tried again. */
  @Column('text', { nullable: true })
  error: string | null;

  @Column('timestamptz', { name: 'moved_at' })
  movedAt: Date;
}
