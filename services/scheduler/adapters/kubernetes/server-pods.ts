import { COMPONENT, MODEL_SERVER, SERVER_LABEL, serverName } from './pod/names.ts';
import type { Reflector } from './reflector.ts';
import { isOwn, type OwnPod, type Pod } from './trim-pod.ts';

/** The pods of model servers among all pods. */
export interface ServerPods {
  /** The pod of that server, also while it goes. */
  any(server: string): OwnPod | null;
  /** Unless it goes. */
  live(server: string): OwnPod | null;
  values(): IterableIterator<Pod>;
  /** Hears of each server whose pod is there, now and later, and of each change of one. */
  onServer(listener: (server: string) => void): () => void;
}

export function serverPods(pods: Reflector<Pod>, namespace: string): ServerPods {
  const prefix = `${namespace}/${serverName('')}`;
  const any = (server: string): OwnPod | null => {
    const pod = pods.get(`${prefix}${server}`);
    return pod !== undefined && isOwn(pod) && isServer(pod) ? pod : null;
  };
  return {
    any,
    live(server) {
      const pod = any(server);
      return pod?.deleting === true ? null : pod;
    },
    values: () => pods.values(),
    onServer(listener) {
      const heard = (key: string) => {
        if (key.startsWith(prefix)) listener(key.slice(prefix.length));
      };
      for (const key of pods.keys()) heard(key);
      return pods.onChange(heard);
    },
  };
}

function isServer({ labels }: OwnPod): boolean {
  return labels[COMPONENT] === MODEL_SERVER && labels[SERVER_LABEL] !== undefined;
}
