/** Labels and names of what the scheduler makes for model servers. */
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'assay', 'app.kubernetes.io/part-of': 'assay' };
export const COMPONENT = 'app.kubernetes.io/component';
export const MODEL_SERVER = 'model-server';
export const WEIGHTS = 'weights';
export const SERVER_LABEL = 'assay.dev/server';
export const WEIGHTS_LABEL = 'assay.dev/weights';
/** What a model server takes of its node, as its scheduler counted it. */
export const NEED_ANNOTATION = 'assay.dev/need';
/** The node that was chosen for it. */
export const NODE_ANNOTATION = 'assay.dev/node';

export const SERVER_CONTAINER = 'server';
export const WATCH_CONTAINER = 'watch';
export const SERVER_PORT = 8_000;
export const PROGRESS_PORT = 8_081;

export const serverName = (key: string) => `server-${key}`;
export const weightsName = (id: string) => `weights-${id}`;
/** The secret with what requests to a server must bear. */
export const keyName = (key: string) => `key-server-${key}`;
