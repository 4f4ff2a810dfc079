/** Advisory lock under which all appends of all processes stand, so that positions are in commit order. */
export const appendLock = 0x52_4c_45_53;

export const appendFunction = `
-- Appends to many streams in one transaction and one round trip. expected: a revision, -1 none, -2 any,
-- -4 exists. Answers, for each append, the revision and position of its last event, or null where the
-- expectation does not hold, and base, the last position before all of them. of_append and number say for each
-- event which append it is of, and its place there. bulky says which data are kept as they are, without an
-- attempt to compress them.
CREATE FUNCTION eventstore.append(
  streams text[], expected bigint[],
  of_append int[], number int[], ids uuid[], types text[], metadata json[], data json[],
  bulky boolean[],
  OUT base bigint, OUT revisions bigint[], OUT positions bigint[]
) LANGUAGE plpgsql
-- Planned once for a connection, not at every call. A plan made while the table was small must not outlive that.
SET plan_cache_mode TO force_generic_plan SET enable_seqscan TO off SET enable_bitmapscan TO off
AS $$
DECLARE
  last bigint[];
  accepted boolean[];
  again record;
BEGIN
  PERFORM pg_advisory_xact_lock(${appendLock});
  SELECT last_value INTO base FROM eventstore.position;

  SELECT array_agg(h.last ORDER BY h.n), array_agg(CASE h.expected
      WHEN -1 THEN h.live IS NULL
      WHEN -2 THEN true
      WHEN -4 THEN h.live IS NOT NULL
      ELSE h.last = h.expected END ORDER BY h.n)
  INTO last, accepted
  FROM (
    SELECT s.n, s.expected, v.live, coalesce(v.live,
      (SELECT t.last_revision FROM eventstore.truncated t WHERE t.stream = s.name), -1) AS last
    FROM unnest(streams, expected) WITH ORDINALITY AS s(name, expected, n)
    LEFT JOIN LATERAL (
      SELECT e.revision AS live FROM eventstore.events e WHERE e.stream = s.name ORDER BY e.revision DESC LIMIT 1
    ) v ON true
  ) h;

  -- An append that does not hold, or that any state satisfies, may be one that was stored before.
  IF false = ANY (accepted) OR expected && '{-2,-4}' THEN
    FOR again IN
      SELECT a.n, count(*) AS asked, count(e.id) AS found, max(e.revision) AS revision, max(e.position) AS position
      FROM unnest(of_append, ids) AS a(n, id)
      LEFT JOIN LATERAL (
        SELECT o.id, o.stream, o.revision, o.position FROM eventstore.events o WHERE o.id = a.id OFFSET 0
      ) e ON e.stream = streams[a.n]
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
  FROM unnest(of_append, number, ids, types, metadata, data, bulky)
    WITH ORDINALITY AS e(a, k, id, type, metadata, data, bulky, n)
  WHERE accepted[e.a];

  PERFORM setval('eventstore.position', base + cardinality(ids));

  -- The events of an append stand side by side: its last one is followed by another's.
  SELECT array_agg(CASE WHEN accepted[e.a] THEN last[e.a] + e.k ELSE revisions[e.a] END ORDER BY e.n),
         array_agg(CASE WHEN accepted[e.a] THEN base + e.n ELSE positions[e.a] END ORDER BY e.n)
  INTO revisions, positions
  FROM unnest(of_append, number) WITH ORDINALITY AS e(a, k, n)
  WHERE e.a IS DISTINCT FROM of_append[e.n + 1];
END $$;
`;
