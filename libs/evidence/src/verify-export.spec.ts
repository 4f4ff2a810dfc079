import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventContent } from '#eventsourcing';
import { digestsMended, event, ExportDir, madeExport, newKey } from '../../../test/support/made-export.js';
import { digestOf, eventHead, eventLine, leafOf, purgedLine } from './evidence-line.js';
import { exportFiles, type Manifest, manifestFile, manifestText } from './export-files.js';
import { keyIdOf, publicText } from './signing.js';
import { verifyExport } from './verify-export.js';

const size = 230;
const key = newKey();
const intact = madeExport(size, key);
const dir = new ExportDir();
const file = fc.constantFrom(exportFiles.events, exportFiles.checkpoints, manifestFile);
const place = fc.nat(size - 1);
const runs = { numRuns: 200 };

beforeEach(() => {
  dir.write(intact);
});
afterAll(() => {
  dir.remove();
});

const written = (events: readonly string[]): void => {
  dir.write(digestsMended({ ...intact, events: [...events] }));
};
const firstFinding = async () => (await verifyExport(dir.path)).findings[0];

/** A line that fits its place in everything but the signed roots. */
const forged = (n: number): string => {
  const made = event(n, 'something that never happened');
  const [head, content] = [eventHead(n, made), eventContent(made)];
  return eventLine(head, content, leafOf(head, digestOf(content))).trimEnd();
};

describe('an export', () => {
  it('is found to be as it was made', async () => {
    expect(await verifyExport(dir.path, [keyIdOf(publicText(key))])).toMatchObject({
      findings: [],
      checkpoints: 5,
      withheld: 41,
      events: 189,
    });
  });

  it('is found out when any byte of it is another, and the event of that byte is named', async () => {
    await fc.assert(
      fc.asyncProperty(file, fc.nat(), fc.integer({ min: 1, max: 255 }), async (name, at, change) => {
        dir.write(intact);
        const bytes = dir.bytes(name);
        const offset = at % bytes.length;
        bytes[offset] = (bytes[offset] ?? 0) ^ change;
        dir.writeBytes(name, bytes);
        const { findings } = await verifyExport(dir.path);
        expect(findings.map(({ where }) => where)).toContainEqual(expect.stringContaining(name));
        if (name === manifestFile) return;
        const line = dir.bytes(name).subarray(0, offset).toString('latin1').split('\n').length;
        expect(findings[0]?.what).toBe('altered');
        expect(`${findings[0]?.where},`).toContain(`${name} line ${line},`);
      }),
      runs,
    );
  });

  it('is found out when a byte is missing at the end of any file', async () => {
    for (const name of [exportFiles.events, exportFiles.checkpoints, manifestFile]) {
      dir.write(intact);
      dir.writeBytes(name, dir.bytes(name).subarray(0, -1));
      expect((await firstFinding())?.where).toContain(name);
    }
  });
});

describe('an export of which something is missing', () => {
  it.each([exportFiles.events, exportFiles.checkpoints, manifestFile])(
    'is told that it was %s',
    async (name) => {
      unlinkSync(join(dir.path, name));
      expect((await verifyExport(dir.path)).findings).toEqual([{ what: 'removed', where: name }]);
    },
  );

  it('cannot be checked at all without any of its files', async () => {
    for (const name of [exportFiles.events, exportFiles.checkpoints, manifestFile])
      unlinkSync(join(dir.path, name));
    await expect(verifyExport(dir.path)).rejects.toThrow('it holds no export');
  });
});

it('a line that was altered, or that is too much, does not speak against the manifest', async () => {
  const wheres = async (events: readonly string[]) => {
    dir.write({ ...intact, events: [...events] });
    return (await verifyExport(dir.path)).findings.map(
      ({ what, where }) => `${what} ${where.split(',')[0] ?? ''}`,
    );
  };
  expect(await wheres(intact.events.with(20, (intact.events[20] ?? '').replace('"n":20', '"n":2O')))).toEqual(
    ['altered events.ndjson line 21', 'altered events.ndjson'],
  );
  expect(await wheres([...intact.events, 'too much'])).toEqual([
    `inserted events.ndjson line ${size + 1}`,
    'altered events.ndjson',
  ]);
});

it('a count that the manifest tells wrongly is named', async () => {
  const { events, withheld } = (await verifyExport(dir.path)).manifest ?? { events: 0, withheld: 0 };
  for (const counts of [{ events: events + 1 }, { withheld: withheld + 1 }]) {
    dir.write(intact);
    const manifest = JSON.parse(dir.bytes(manifestFile).toString()) as Manifest;
    dir.writeBytes(manifestFile, Buffer.from(manifestText({ ...manifest, ...counts })));
    expect((await verifyExport(dir.path)).findings).toContainEqual({
      what: 'altered',
      where: 'manifest.json: the count of events',
    });
  }
});

describe('somebody who mends the digests of the manifest', () => {
  it('is found to have removed an event', async () => {
    await fc.assert(
      fc.asyncProperty(place, async (n) => {
        written(intact.events.toSpliced(n, 1));
        expect(await firstFinding()).toMatchObject({ what: 'removed', n });
      }),
      runs,
    );
  });

  it('is found to have inserted an event: a copy of another, or one that never happened', async () => {
    await fc.assert(
      fc.asyncProperty(place, place, fc.boolean(), async (n, of, copy) => {
        written(intact.events.toSpliced(n, 0, copy ? (intact.events[of] ?? '') : forged(size + n)));
        expect((await firstFinding())?.what).toBe('inserted');
        expect((await firstFinding())?.where).toMatch(
          new RegExp(`^events.ndjson line (${n + 1}|${n + 2}), event ${copy ? of : size + n}\\b`),
        );
      }),
      runs,
    );
  });

  it('is found to have inserted what is no event at all, or to have put it where one was', async () => {
    written(intact.events.toSpliced(20, 0, 'no event'));
    expect(await firstFinding()).toMatchObject({ what: 'inserted', n: 20 });
    written([...intact.events.with(20, 'no event').slice(0, 90), intact.events[20] ?? '']);
    expect(await firstFinding()).toMatchObject({ what: 'altered', n: 20 });
  });

  it('is found out by what comes first, the roots or the lines', async () => {
    written(intact.events.with(10, forged(10)).toSpliced(120, 1));
    expect(await firstFinding()).toMatchObject({ what: 'altered', n: 0 });
    written(intact.events.with(130, forged(130)).toSpliced(60, 1));
    expect(await firstFinding()).toMatchObject({ what: 'removed', n: 60 });
  });

  it('is found to have changed the order', async () => {
    await fc.assert(
      fc.asyncProperty(place, place, async (a, b) => {
        fc.pre(a !== b);
        const events = [...intact.events];
        [events[a], events[b]] = [events[b] ?? '', events[a] ?? ''];
        written(events);
        expect(await firstFinding()).toMatchObject({ what: 'reordered', n: Math.min(a, b) });
      }),
      runs,
    );
  });

  it('is found to have removed events from the end, with their checkpoint', async () => {
    const cut = {
      ...intact,
      events: intact.events.slice(0, 200),
      checkpoints: intact.checkpoints.slice(0, 4),
    };
    dir.write(digestsMended(cut));
    expect(await firstFinding()).toMatchObject({ what: 'removed', n: 200 });
  });

  it('and the hash of the event is found out by the signed roots, which tell between which events', async () => {
    await fc.assert(
      fc.asyncProperty(place, async (n) => {
        written(intact.events.with(n, forged(n)));
        const sealed = Math.floor(n / 50) * 50;
        expect(await firstFinding()).toMatchObject({ what: 'altered', n: sealed });
      }),
      runs,
    );
  });

  it('and signs everything with another key is found out by who knows the right one', async () => {
    dir.write(madeExport(size, newKey(), 50, (n) => event(n, 'something that never happened')));
    expect((await verifyExport(dir.path)).findings).toEqual([]);
    expect((await verifyExport(dir.path, [keyIdOf(publicText(key))])).findings).toEqual([
      { what: 'untrusted', where: expect.stringContaining('key ') },
    ]);
  });
});

describe('revisions that came into no tree, for they were removed before', () => {
  const skipping = (from: number) =>
    madeExport(size, key, 50, (n) => {
      const { revision, ...rest } = event(n);
      return { ...rest, revision: n % 7 === 4 && n >= from ? revision + 2 : revision };
    });

  it.each([25, 60])('may be missing where all in front of them are gone: before event %i', async (n) => {
    dir.write(skipping(n));
    expect((await verifyExport(dir.path)).findings).toEqual([]);
  });

  it('are named as removed behind one that is there', async () => {
    dir.write(skipping(67));
    expect(await firstFinding()).toMatchObject({ what: 'removed', n: 67 });
  });
});

describe('somebody who changes the database', () => {
  it('is found to have removed an event from the middle of a stream, although its leaf is there', async () => {
    const files = madeExport(size, key, 50, (n) => ({
      ...event(n),
      revision: n < 100 ? event(n).revision : event(n).revision + 1,
    }));
    dir.write(files);
    expect(await firstFinding()).toMatchObject({
      what: 'removed',
      n: 100,
      where: expect.stringContaining('run-2 revision 14'),
    });
  });

  it('is found to have removed the last event of a stream', async () => {
    const made = event(229);
    const line = purgedLine(eventHead(229, made), digestOf(eventContent(made)));
    written(intact.events.with(229, line.trimEnd()));
    expect(await firstFinding()).toMatchObject({ what: 'removed', n: 229 });
  });
});
