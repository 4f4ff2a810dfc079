export { DockerDriver } from './docker-driver.js';
