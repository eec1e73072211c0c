export { fillCommand, type Catalog, type Device, type LocalServing, type Model } from './catalog.ts';
export { loadCatalog } from './load.ts';
export type { ClaimMode, DevicePod, PodPlaceholder, PodServing, Weights } from './pod-schema.ts';
export type { Placeholder } from './schema.ts';
