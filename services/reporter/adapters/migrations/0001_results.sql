-- A job that has scores or a final result. The final columns are null while scores still arrive.
create table runs (
  job text primary key,
  created_at bigint not null,
  final_epoch integer,
  model text not null default '',
  tasks text,
  files text,
  results_json text,
  markdown text
);
create index runs_newest on runs (created_at desc, job desc);

-- One task of one scoring of a job, with its live totals.
create table tasks (
  id bigint generated always as identity primary key,
  job text not null,
  epoch integer not null,
  task text not null,
  docs text not null,
  scored bigint not null default 0,
  unscored bigint not null default 0,
  prompt_tokens bigint not null default 0,
  completion_tokens bigint not null default 0,
  truncated_prompts bigint not null default 0,
  unique (job, epoch, task)
);

create table metric_sums (
  task_id bigint not null references tasks (id) on delete cascade,
  key text not null,
  n bigint not null,
  sum double precision not null,
  sum_squares double precision not null,
  primary key (task_id, key)
);

create table unscored_reasons (
  task_id bigint not null references tasks (id) on delete cascade,
  reason text not null,
  count bigint not null,
  primary key (task_id, reason)
);

-- Scores as they were stored in the ledger; repeat is -1 for a score over all repeats of a document.
-- outcome and fault are JSON in a text column, because jsonb cannot hold NUL and models write it.
create table scores (
  task_id bigint not null references tasks (id) on delete cascade,
  doc integer not null,
  repeat integer not null,
  metrics jsonb not null,
  fault text,
  outcome text not null,
  requests bytea not null,
  docs bytea not null,
  shard_index integer not null,
  prompt_tokens integer not null,
  completion_tokens integer not null,
  truncated_tokens integer not null,
  primary key (task_id, doc, repeat)
);
