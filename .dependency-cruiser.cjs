const rooms =
  '^libs/(sessions|runs|logs|access|timeline|transcripts|processes|interactions|schedules|mounts|exports|webhooks|projections|retention|audit|evidence)/';

/** Who may import whom: the drawing of docs/decisions/house.md, checked. @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'libs-never-import-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    {
      name: 'events-and-deciders-are-pure',
      comment: 'They may reach nothing but the vocabulary and their own kind, not even through another file.',
      severity: 'error',
      from: { path: '\\.(events|decider)\\.ts$' },
      to: {
        reachable: true,
        pathNot:
          '^libs/eventsourcing/src/|\\.(events|decider)\\.ts$|^crypto$|^node_modules/(lru-cache|croner)/',
      },
    },
    {
      name: 'vocabulary-is-pure',
      severity: 'error',
      from: { path: '^libs/eventsourcing/', pathNot: '(\\.(spec|contract)|given-when-then)\\.ts$' },
      to: { pathNot: '^libs/eventsourcing/|^node:crypto$|^crypto$|^node_modules/lru-cache/' },
    },
    {
      name: 'a-lib-is-entered-by-its-index',
      severity: 'error',
      from: { path: '^(apps|libs)/([^/]+)/' },
      to: { path: '^libs/([^/]+)/src/', pathNot: '^libs/$2/|^libs/[^/]+/src/(index|projections)\\.ts$' },
    },
    {
      name: 'only-the-adapter-knows-kurrent',
      severity: 'error',
      from: { pathNot: '^libs/eventstore-kurrent/' },
      to: { path: '@kurrent/kurrentdb-client' },
    },
    {
      name: 'only-the-adapter-knows-docker',
      severity: 'error',
      from: { pathNot: '^libs/sandbox-docker/' },
      to: { path: '^node_modules/(@types/)?dockerode/' },
    },
    {
      name: 'only-adapters-touch-drivers',
      severity: 'error',
      from: { path: rooms },
      to: { path: '^node_modules/(@types/)?(pg|typeorm|@kurrent)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.spec\\.ts$' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['types', 'import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
