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
