import { percent } from '@assay/lib/domain';
import type { FinalRequest, MetricResult } from '../ports.ts';
import { fencedText, inlineText } from './escape.ts';
import { coverage, type TaskReport } from './results-json.ts';

export interface MarkdownFacts {
  readonly request: FinalRequest;
  readonly tasks: readonly (TaskReport & { readonly firstPrompt: string })[];
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

/** The report for people: scores first, then how far they can be trusted, then where they come from. */
export function reportMarkdown(facts: MarkdownFacts): string {
  const sections = [
    `# ${inlineText(facts.request.model)} · job ${inlineText(facts.request.job)}`,
    scores(facts),
    unscored(facts),
    cost(facts),
    provenance(facts),
    prompts(facts),
    files(facts),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function scores({ tasks }: MarkdownFacts): string {
  const rows = tasks.flatMap(({ plan, measure }) =>
    measure.result.metrics.map((metric) => [
      inlineText(plan.alias),
      `${inlineText(metric.metric)} ${metric.higherIsBetter ? '↑' : '↓'}`,
      inlineText(metric.filter),
      withError(metric),
      between(metric),
      String(metric.n),
      percent(coverage(measure.result)),
    ]),
  );
  const header = ['Task', 'Metric', 'Filter', 'Value ± stderr', '95 % interval', 'n', 'Coverage'];
  return `## Scores\n\n${table(header, rows)}`;
}

function unscored({ tasks }: MarkdownFacts): string {
  const rows = tasks.flatMap(({ plan, measure }) =>
    Object.entries(measure.result.reasons).map(([reason, count]) => [
      inlineText(plan.alias),
      inlineText(reason),
      String(count),
    ]),
  );
  if (rows.length === 0) return '';
  const note = 'Faults of the infrastructure: they are left out of the scores and lower the coverage.';
  return `## Unscored\n\n${note}\n\n${table(['Task', 'Reason', 'Count'], rows)}`;
}

function cost({ tasks, request }: MarkdownFacts): string {
  const seconds = Math.max(0, request.endMs - request.startMs) / 1000;
  const rows = tasks.map(({ plan, measure: { result, longest } }) => [
    inlineText(plan.alias),
    String(result.promptTokens),
    String(result.completionTokens),
    longest === null ? '–' : `${longest.completionTokens} (doc ${longest.doc})`,
    String(result.truncatedPrompts),
  ]);
  const header = ['Task', 'Prompt tokens', 'Generated tokens', 'Longest', 'Truncated prompts'];
  return `## Cost\n\n${seconds.toFixed(1)} s from start to end.\n\n${table(header, rows)}`;
}

function provenance({ request, tasks }: MarkdownFacts): string {
  const run = [
    ['Model', request.model],
    ['Served by', `${request.serverKind} ${request.endpoint}`.trim()],
    ['Seed', String(request.seed)],
    ['Started', new Date(request.startMs).toISOString()],
    ['Ended', new Date(request.endMs).toISOString()],
    ['Scoring', `epoch ${request.epoch}`],
    ...Object.entries(request.provenance).sort(([a], [b]) => (a < b ? -1 : 1)),
  ].map(([name = '', value = '']) => [inlineText(name), inlineText(value)]);
  const versions = tasks.map(({ plan, hash }) => [
    inlineText(plan.task),
    inlineText(plan.version),
    plan.kind,
    `${plan.docs} of ${plan.originalDocs}`,
    String(plan.repeats),
    String(plan.numFewshot),
    hash.slice(0, 16),
  ]);
  const header = ['Task', 'Version', 'Kind', 'Documents', 'Repeats', 'Few-shot', 'Hash'];
  return `## Provenance\n\n${table(['', ''], run)}\n\n${table(header, versions)}`;
}

function prompts({ tasks }: MarkdownFacts): string {
  const shown = tasks
    .filter(({ firstPrompt }) => firstPrompt !== '')
    .map(
      ({ plan, firstPrompt }) => `Task ${inlineText(plan.task)}, document 0:\n\n${fencedText(firstPrompt)}`,
    );
  return shown.length === 0 ? '' : `## Prompts\n\n${shown.join('\n\n')}`;
}

function files(facts: MarkdownFacts): string {
  const rows = facts.files.map(({ name, bytes }) => [inlineText(name), String(bytes)]);
  return `## Files\n\n${table(['File', 'Bytes'], rows)}`;
}

function withError(metric: MetricResult): string {
  return `${metric.value.toFixed(4)} ± ${metric.stderr === null ? 'N/A' : metric.stderr.toFixed(4)}`;
}

function between({ low, high }: MetricResult): string {
  return low === null || high === null ? '–' : `${low.toFixed(4)} – ${high.toFixed(4)}`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
