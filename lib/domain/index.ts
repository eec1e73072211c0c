export { EXECUTION_BOUNDS } from './limits.ts';
export { BUCKET_DOCS, bucketOf, isBlobRef, traceOf, type BlobRef, type JobId, type SampleId } from './ids.ts';
export type {
  ChatMessage,
  ChoicesRequest,
  CodeScoring,
  DocHashes,
  FilterPipeline,
  FilterStep,
  GenerateRequest,
  GenerationSettings,
  MetricSpec,
  OutputType,
  PreparedDoc,
  PreparedRequest,
  Scoring,
  ShardDocs,
  ShardRequest,
  ShardRequests,
} from './prepared.ts';
export {
  countsOf,
  type Kind,
  type Plan,
  type PlanNeeds,
  type ShardRef,
  type TaskCounts,
  type TaskPlan,
} from './plan.ts';
export type {
  ChoiceResponse,
  Fault,
  Generation,
  GenerationOutcome,
  TextResponse,
  Usage,
} from './generation.ts';
export type { Score, ScoreOutcome, Verdict, VerdictStatus } from './score.ts';
export { START_PHASES, type ServerRecord, type ServerState, type StartPhase } from './server.ts';
export {
  JOB_STATES,
  isTerminal,
  type JobRecord,
  type JobSpec,
  type JobState,
  type JobTask,
  type ModelTarget,
  type TaskSelection,
  type Transition,
} from './job.ts';
export type {
  CheckValue,
  CheckWork,
  PrepareValue,
  PrepareWork,
  ScoreWork,
  ShardWork,
  StageAnswer,
  Violation,
} from './work.ts';
export type { WorkerRecord } from './worker.ts';
export { percent } from './percent.ts';
export type { JobProgress, TaskAmount } from './progress.ts';
