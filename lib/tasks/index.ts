export type { TaskFiles } from './files.ts';
export type { TaskProblem } from './problem.ts';
export { type TaskSummary, listTasks } from './list.ts';
export { type TaskCheck, checkTasks } from './check.ts';
export { type OpenTask, openTask } from './open.ts';
export { type PreparedItem, pairsAsWritten } from './prompt/prepare.ts';
export { promptText } from './prompt/prompt.ts';
export { hashTask, hashText } from './hashes.ts';
export { type DocScore, type Responses, scoreDocument } from './scoring/score.ts';
export { type Program, programOf } from './scoring/program.ts';
export {
  Float,
  type JsonInput,
  type JsonOptions,
  PyRandom,
  type PyValue,
  dumpJson,
  floatRepr,
  parseJson,
  pyRepr,
  pyStr,
} from './pylang/index.ts';
