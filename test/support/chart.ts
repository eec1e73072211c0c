import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Helm } from './helm.ts';

export const CHART = path.join(import.meta.dirname, '../../deploy/helm/assay');

/** The names of the values files in the chart's `ci/`. */
export const MATRIX: readonly string[] = readdirSync(path.join(CHART, 'ci')).map((name) =>
  name.replace('-values.yaml', ''),
);

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An object as the chart renders it; what is in it is for each test to say. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
  readonly rules?: readonly Rule[];
}

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export interface RenderOptions {
  readonly ci?: string;
  /** As `--set-json`: `a.b=…`. */
  readonly set?: readonly string[];
  readonly release?: string;
  readonly namespace?: string;
  readonly args?: readonly string[];
}

/** What `helm template` prints. Rejects with what helm complained about. */
export async function render(helm: Helm, options: RenderOptions = {}): Promise<readonly Rendered[]> {
  const text = await template(helm, options);
  return parseAllDocuments(text)
    .map((document): unknown => {
      if (document.errors.length > 0) throw new Error(String(document.errors[0]));
      return document.toJS();
    })
    .filter((object): object is Rendered => object !== null);
}

export function template(helm: Helm, options: RenderOptions = {}): Promise<string> {
  const { ci, set = [], release = 'assay', namespace = 'assay', args = [] } = options;
  return execute(helm, [
    'template',
    release,
    CHART,
    `--namespace=${namespace}`,
    '--kube-version=1.34.0',
    '--api-versions=monitoring.coreos.com/v1',
    ...(ci === undefined ? [] : ['--values', path.join(CHART, 'ci', `${ci}-values.yaml`)]),
    ...set.flatMap((value) => ['--set-json', value]),
    ...args,
  ]);
}

export function execute(helm: Helm, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(helm.program, args, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${stderr}${stdout}`.trim()));
    });
  });
}

interface PodTemplate {
  readonly metadata: Metadata;
  readonly spec: PodSpec;
}

export interface PodSpec {
  readonly [field: string]: unknown;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
}

export interface Container {
  readonly [field: string]: unknown;
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: unknown }[];
  readonly securityContext?: Readonly<Record<string, unknown>>;
}

export interface Pod {
  readonly of: Rendered;
  readonly metadata: Metadata;
  readonly spec: PodSpec;
  readonly containers: readonly Container[];
}

/** Every pod that the objects make. */
export function podsOf(objects: readonly Rendered[]): readonly Pod[] {
  return objects.flatMap((of) => {
    const found = of.kind === 'Pod' ? (of as unknown as PodTemplate) : templateOf(of);
    if (found === null) return [];
    const { metadata, spec } = found;
    return [{ of, metadata, spec, containers: [...(spec.initContainers ?? []), ...spec.containers] }];
  });
}

function templateOf({ spec }: Rendered): PodTemplate | null {
  if (typeof spec !== 'object' || spec === null || !('template' in spec)) return null;
  return spec.template as PodTemplate;
}

export function only(objects: readonly Rendered[], kind: string, name?: string): Rendered {
  const found = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  );
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`${found.length} × ${kind} ${name ?? ''}`);
  return found[0];
}
