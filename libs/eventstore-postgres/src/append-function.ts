/** Advisory lock under which all appends of all processes stand, so that positions are in commit order. */
export const appendLock = 0x52_4c_45_53;

export const appendFunction = `
-- Appends to many streams in one transaction and one round trip. expected: a revision, -1 none, -2 any,
-- -4 exists. Answers, for each append, the revision and position of its last event, or null where the
-- expectation does not hold, and base, the last position before all of them. of_append and number say for each
-- event which append it is of, and its place there. metadata and data are JSON texts, one a line; bulky says
-- which data are kept as they are, without an attempt to compress them.
CREATE FUNCTION eventstore.append(
  streams text[], expected bigint[],
  of_append int[], number int[], ids uuid[], types text[], metadata text, data text,
  bulky boolean[],
  OUT base bigint, OUT revisions bigint[], OUT positions bigint[]
) LANGUAGE plpgsql
-- A plan made while the table was small must not outlive that.
SET enable_seqscan TO off SET enable_bitmapscan TO off
AS $$
DECLARE
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

  INSERT INTO eventstore.events (position, revision, id, stream, type, metadata, data, bulk)
  SELECT base + e.n, last[e.a] + e.k, e.id, streams[e.a], e.type, e.metadata,
    CASE WHEN NOT e.bulky THEN e.data END, CASE WHEN e.bulky THEN e.data END
  FROM unnest(of_append, number, ids, types, string_to_array(metadata, E'\\n')::json[], string_to_array(data, E'\\n')::json[], bulky)
    WITH ORDINALITY AS e(a, k, id, type, metadata, data, bulky, n)
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
