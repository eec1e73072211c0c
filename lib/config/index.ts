export { readAddress, showAddress, type Address } from './address.ts';
export { announce, type Announcement } from './announce.ts';
export { brokerOf, commonShape } from './common.ts';
export type { DatabaseUrl } from './database-url.ts';
export { loadConfig } from './load.ts';
export { nearest } from './nearest.ts';
export { PREFIX } from './prefix.ts';
export { settings } from './settings.ts';
export { atMostOne, bothOrNone, exactlyOne, type Given } from './together.ts';
