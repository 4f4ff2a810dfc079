export { commandLine, readTold } from './command-line.js';
export {
  LimitNotEnforceable,
  SandboxDriver,
  SandboxOver,
  SandboxUnavailable,
  type LimitName,
  type ProcessEnd,
  type ProcessSpec,
  type Sandbox,
  type SandboxLimits,
  type SandboxProcess,
  type SandboxSpec,
} from './sandbox-driver.js';
export * from './sandbox.events.js';
export * from './sandbox.decider.js';
export * from './process.events.js';
export * from './process.decider.js';
export * from './projections.js';
export * from './process.policy.js';
export * from './process-host.js';
export * from './process-keys.js';
export * from './run-teller.js';
export * from './host-sweeper.js';
export * from './retained-output.js';
export * from './processes.module.js';
