export { kubernetesAdmission } from './kubernetes.ts';
export { openAdmission } from './open.ts';
export { identityShape, identityTogether } from './settings.ts';
