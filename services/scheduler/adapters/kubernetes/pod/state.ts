import type { ContainerState, OwnPod } from '../trim-pod.ts';
import { SERVER_CONTAINER } from './names.ts';
import type { Seen } from './seen.ts';

/** Why a container waits, as the kubelet says it: the image does not come, cannot be used, or nothing can be made of it. */
export const NO_IMAGE = ['ErrImagePull', 'ImagePullBackOff', 'RegistryUnavailable'];
export const BAD_IMAGE = [
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'SignatureValidationFailed',
];
export const NO_CONTAINER = ['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError'];

export function serverOf(pod: OwnPod | null): ContainerState | null {
  return pod?.containers.find(({ name }) => name === SERVER_CONTAINER) ?? null;
}

/** The first container that is kept from running, and not by another one. */
export function waitingOf(pod: OwnPod): ContainerState | null {
  const kept = [...NO_IMAGE, ...BAD_IMAGE, ...NO_CONTAINER];
  return pod.containers.find(({ reason }) => kept.includes(reason)) ?? null;
}

export function conditionOf(pod: OwnPod, type: string) {
  return pod.conditions.find((condition) => condition.type === type) ?? null;
}

export function scheduledSince(pod: OwnPod | null): string | null {
  if (pod === null) return null;
  const scheduled = conditionOf(pod, 'PodScheduled');
  return scheduled?.status === 'True' ? scheduled.since : null;
}

/** When something last ended before the image is fetched. */
export function pullFrom(seen: Seen): string | null {
  const scheduledAt = scheduledSince(seen.pod);
  if (scheduledAt === null) return null;
  if (seen.weights === null) return scheduledAt;
  if (seen.weights.state !== 'complete') return null;
  const weightsAt = seen.weights.endedAt ?? scheduledAt;
  return isBefore(scheduledAt, weightsAt) ? weightsAt : scheduledAt;
}

/** As texts they may differ in how exact they are. */
export function isBefore(a: string, b: string): boolean {
  return Date.parse(a) < Date.parse(b);
}

export function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
