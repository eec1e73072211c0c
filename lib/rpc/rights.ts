import type { Right } from './admission.ts';

/** What each method asks of its caller. One that is not here is served to nobody. */
export const RIGHTS: Readonly<Record<string, Right>> = {
  '/assay.v1.JobService/SubmitJob': 'create',
  '/assay.v1.JobService/GetJob': 'get',
  '/assay.v1.JobService/ListJobs': 'list',
  '/assay.v1.JobService/WatchJob': 'get',
  '/assay.v1.JobService/CancelJob': 'delete',
  '/assay.v1.CatalogService/ListModels': 'list',
  '/assay.v1.CatalogService/ListTasks': 'list',
  '/assay.v1.CatalogService/UploadBundle': 'create',
  '/assay.v1.ResultService/GetResult': 'get',
  '/assay.v1.ResultService/ListResults': 'list',
  '/assay.v1.ResultService/StreamSamples': 'get',
  '/assay.v1.ResultService/Finalize': 'finalize',
  '/assay.v1.SandboxService/Execute': 'create',
};
