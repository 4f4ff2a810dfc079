import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Advisory lock under which all appends of all processes stand, so that positions are in commit order. */
export const appendLock = 0x52_4c_45_53;

const up = `
CREATE SCHEMA eventstore;

CREATE TABLE eventstore.events (
  position bigint NOT NULL,
  revision bigint NOT NULL,
  id uuid NOT NULL,
  stream text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  metadata json NOT NULL,
  data json NOT NULL,
  CONSTRAINT events_pkey PRIMARY KEY (position),
  CONSTRAINT events_stream_revision_key UNIQUE (stream, revision)
);
CREATE INDEX events_id_idx ON eventstore.events (id);
ALTER TABLE eventstore.events SET (autovacuum_vacuum_insert_scale_factor = 0.4);

-- What a stream remembers when all its events are gone.
CREATE TABLE eventstore.truncated (
  stream text COLLATE "C" PRIMARY KEY,
  last_revision bigint NOT NULL
);

CREATE SEQUENCE eventstore.position MINVALUE 0 START 0;

-- Appends to many streams in one transaction and one round trip. expected: a revision, -1 none, -2 any,
-- -4 exists. Answers, for each append, the revision and position of its last event, or null where the
-- expectation does not hold. of_append and number say for each event which append it is of, and its place there.
CREATE FUNCTION eventstore.append(
  streams text[], expected bigint[],
  of_append int[], number int[], ids uuid[], types text[], metadata json[], data json[],
  OUT revisions bigint[], OUT positions bigint[]
) LANGUAGE plpgsql
-- A plan made while the table was small must not outlive that.
SET enable_seqscan TO off SET enable_bitmapscan TO off
AS $$
DECLARE
  base bigint;
  live bigint[];
  last bigint[];
  accepted boolean[];
  again record;
BEGIN
  PERFORM pg_advisory_xact_lock(${appendLock});
  SELECT last_value INTO base FROM eventstore.position;

  SELECT array_agg(h.live ORDER BY h.n), array_agg(coalesce(h.live, h.gone, -1) ORDER BY h.n)
  INTO live, last
  FROM (
    SELECT s.n,
      (SELECT e.revision FROM eventstore.events e WHERE e.stream = s.name ORDER BY e.revision DESC LIMIT 1) AS live,
      (SELECT t.last_revision FROM eventstore.truncated t WHERE t.stream = s.name) AS gone
    FROM unnest(streams) WITH ORDINALITY AS s(name, n)
  ) h;

  SELECT array_agg(CASE x.expected
      WHEN -1 THEN live[x.n] IS NULL
      WHEN -2 THEN true
      WHEN -4 THEN live[x.n] IS NOT NULL
      ELSE last[x.n] = x.expected END ORDER BY x.n)
  INTO accepted FROM unnest(expected) WITH ORDINALITY AS x(expected, n);

  -- An append that does not hold, or that any state satisfies, may be one that was stored before.
  IF false = ANY (accepted) OR expected && '{-2,-4}' THEN
    FOR again IN
      SELECT a.n, count(*) AS asked, count(e.id) AS found, max(e.revision) AS revision, max(e.position) AS position
      FROM unnest(of_append, ids) AS a(n, id)
      LEFT JOIN eventstore.events e ON e.id = a.id AND e.stream = streams[a.n]
      WHERE NOT accepted[a.n] OR expected[a.n] IN (-2, -4)
      GROUP BY a.n
    LOOP
      IF again.found > 0 THEN
        accepted[again.n] := false;
        IF again.found = again.asked THEN
          revisions[again.n] := again.revision;
          positions[again.n] := again.position;
        END IF;
      END IF;
    END LOOP;
  END IF;

  INSERT INTO eventstore.events (position, revision, id, stream, type, metadata, data)
  SELECT base + e.n, last[e.a] + e.k, e.id, streams[e.a], e.type, e.metadata, e.data
  FROM unnest(of_append, number, ids, types, metadata, data)
    WITH ORDINALITY AS e(a, k, id, type, metadata, data, n)
  WHERE accepted[e.a];

  PERFORM setval('eventstore.position', base + cardinality(ids));

  SELECT array_agg(CASE WHEN accepted[a.n] THEN last[a.n] + a.size ELSE revisions[a.n] END ORDER BY a.n),
         array_agg(CASE WHEN accepted[a.n] THEN base + a.ordinal ELSE positions[a.n] END ORDER BY a.n)
  INTO revisions, positions
  FROM (
    SELECT e.a AS n, max(e.k) AS size, max(e.n) AS ordinal
    FROM unnest(of_append, number) WITH ORDINALITY AS e(a, k, n) GROUP BY e.a
  ) a;
END $$;
`;

/** The tables and the append function of the Postgres event store. */
export class EventStore1760000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(up);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA eventstore CASCADE');
  }
}
