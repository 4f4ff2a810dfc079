/**
 * A process that holds a sandbox and the scripts in it, for the tests that kill it.
 * Arguments: module and export of the driver, JSON of its options, then the scripts.
 */
const [module, name, options, ...scripts] = process.argv.slice(2);
const { [name]: Driver } = await import(module);
const sandbox = await new Driver(JSON.parse(options)).open({
  id: 'hosted',
  limits: { pids: 100 },
  bestEffort: true,
});
for (const script of scripts) await sandbox.start({ command: 'sh', args: ['-c', script], env: {} });
process.send('started');
setInterval(() => undefined, 60_000);
