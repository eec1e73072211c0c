import type {
  CodeScoring,
  FilterPipeline,
  GenerationSettings,
  MetricSpec,
  OutputType,
} from '@assay/lib/domain';
import type { Template } from '../jinja/index.ts';
import type { PyDict, PyValue } from '../pylang/index.ts';
import type { Place } from '../yaml/node.ts';

/** What `doc_to_text` and its kin may be: a column or template, or a value that is the same for every document. */
export type Field =
  | {
      readonly kind: 'template';
      readonly key: string;
      readonly source: string;
      readonly template: Template;
      readonly place: Place;
    }
  | { readonly kind: 'constant'; readonly key: string; readonly value: PyValue; readonly place: Place };

/** How one document becomes text, target and choices. */
export interface DocFields {
  readonly text: Field;
  readonly target: Field;
  readonly choice?: Field;
  readonly prefix?: Field;
  readonly targetDelimiter: string;
  readonly fewshotDelimiter: string;
}

export interface DataFile {
  readonly path: string;
  readonly place: Place;
}

export interface SplitFiles {
  readonly split: string;
  readonly files: readonly DataFile[];
}

/** A split that a key of the task names. */
export interface SplitUse {
  readonly split: string;
  readonly place: Place;
}

export interface Fewshot {
  /** Shots for each document; 0 means that the pool is never read. */
  readonly count: number;
  readonly sampler: 'default' | 'first_n';
  readonly pool:
    | { readonly kind: 'split'; readonly use: SplitUse }
    | { readonly kind: 'samples'; readonly docs: readonly PyDict[] };
  /** The evaluated document must not be among its own shots. */
  readonly excludeSelf: boolean;
  readonly fields: DocFields;
  readonly place: Place;
}

export interface CodeFields {
  readonly entry: Field;
  readonly tests: Field;
  readonly prefix?: Field;
  readonly setup?: Field;
  readonly scoring: CodeScoring;
}

/** Settings under `metadata.assay`. */
export interface AssaySettings {
  readonly api: 'completions' | 'chat';
  readonly longPrompt: 'truncate' | 'refuse';
  readonly multiturn: boolean;
  readonly code?: CodeFields;
}

/** A task file after includes, overrides and checks: strict, every default filled in. */
export interface TaskConfig {
  readonly name: string;
  readonly alias: string;
  readonly version: string;
  readonly file: string;
  readonly outputType: OutputType;
  readonly data: readonly SplitFiles[];
  readonly evalSplit: SplitUse;
  readonly description?: Field;
  readonly fields: DocFields;
  readonly fewshot: Fewshot;
  readonly settings: GenerationSettings;
  readonly repeats: number;
  readonly pipelines: readonly FilterPipeline[];
  readonly metrics: readonly MetricSpec[];
  readonly assay: AssaySettings;
  /** The configuration as lm-evaluation-harness shows it in result files. */
  readonly dump: PyDict;
}
