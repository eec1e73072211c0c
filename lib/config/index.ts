export { announce, type Announcement } from './announce.ts';
export { commonShape } from './common.ts';
export type { DatabaseUrl } from './database-url.ts';
export { loadConfig, PREFIX } from './load.ts';
export { nearest } from './nearest.ts';
export { settings } from './settings.ts';
