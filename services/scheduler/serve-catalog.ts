import type { Blob } from '@assay/lib/blob';
import { clientStream, unary } from '@assay/lib/rpc';
import { listTasks, type TaskFiles } from '@assay/lib/tasks';
import type {
  CatalogServiceServer,
  ListModelsRequest,
  ListModelsResponse,
  ListTasksRequest,
  ListTasksResponse,
  Model,
  UploadBundleRequest,
  UploadBundleResponse,
} from '@assay/proto/assay/v1/catalog';
import type { BundleLimits } from './submit/bundle.ts';
import type { Bundles } from './ports.ts';
import { bundleFiles } from './submit/files.ts';
import { upload } from './submit/upload.ts';

export interface CatalogPorts {
  readonly blob: Blob;
  readonly bundles: Bundles;
  readonly models: readonly Model[];
  readonly catalogTasks: TaskFiles;
  readonly limits: BundleLimits;
}

/** CatalogService: what can be evaluated, and on what. */
export function catalogService(ports: CatalogPorts): CatalogServiceServer {
  return {
    listModels: unary<ListModelsRequest, ListModelsResponse>(async () => ({ models: [...ports.models] })),
    listTasks: unary<ListTasksRequest, ListTasksResponse>(async (request, { tenant }) => {
      const own =
        request.bundle === '' ? [] : await listTasks(await bundleFiles(ports, tenant, request.bundle));
      const names = new Set(own.map((task) => task.name));
      const shared = (await listTasks(ports.catalogTasks)).filter((task) => !names.has(task.name));
      const tasks = [...own, ...shared].map(({ name, outputType, description, file, unsupported }) => ({
        name,
        outputType,
        description,
        file,
        unsupported: unsupported ?? '',
      }));
      return { tasks };
    }),
    uploadBundle: clientStream<UploadBundleRequest, UploadBundleResponse>(async (parts, { tenant, log }) => {
      const { bundle, files, bytes } = await upload(parts, ports.blob, ports.limits);
      await ports.bundles.add(tenant, bundle);
      log.info({ bundle, files, bytes }, 'bundle uploaded');
      return { bundle, files, bytes: BigInt(bytes) };
    }),
  };
}
