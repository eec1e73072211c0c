import { bigint, doublePrecision, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';

// The tables as queries see them; migrations/ makes them. Scores are read and written in bulk, as SQL.

export const runs = pgTable('runs', {
  job: text('job').primaryKey(),
  tenant: text('tenant').notNull(),
  createdAt: bigint('created_at', { mode: 'number' }).notNull(),
  finalEpoch: integer('final_epoch'),
  model: text('model').notNull().default(''),
  tasks: text('tasks'),
  files: text('files'),
  resultsJson: text('results_json'),
  markdown: text('markdown'),
});

export const tasks = pgTable('tasks', {
  id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
  job: text('job').notNull(),
  epoch: integer('epoch').notNull(),
  task: text('task').notNull(),
  docs: text('docs').notNull(),
  scored: bigint('scored', { mode: 'number' }).notNull().default(0),
  unscored: bigint('unscored', { mode: 'number' }).notNull().default(0),
  promptTokens: bigint('prompt_tokens', { mode: 'number' }).notNull().default(0),
  completionTokens: bigint('completion_tokens', { mode: 'number' }).notNull().default(0),
  truncatedPrompts: bigint('truncated_prompts', { mode: 'number' }).notNull().default(0),
});

export const metricSums = pgTable(
  'metric_sums',
  {
    taskId: bigint('task_id', { mode: 'number' }).notNull(),
    key: text('key').notNull(),
    n: bigint('n', { mode: 'number' }).notNull(),
    sum: doublePrecision('sum').notNull(),
    sumSquares: doublePrecision('sum_squares').notNull(),
  },
  (table) => [primaryKey({ columns: [table.taskId, table.key] })],
);

export const unscoredReasons = pgTable(
  'unscored_reasons',
  {
    taskId: bigint('task_id', { mode: 'number' }).notNull(),
    reason: text('reason').notNull(),
    count: bigint('count', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.taskId, table.reason] })],
);
