export { LocalDriver } from './local-driver.js';
