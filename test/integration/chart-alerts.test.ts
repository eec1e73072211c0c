import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '@assay/lib/metrics';
import { reporterMetrics } from '../../services/reporter/metrics.ts';
import { runnerMetrics } from '../../services/runner/metrics.ts';
import { sandboxMetrics } from '../../services/sandbox/metrics.ts';
import { schedulerMetrics } from '../../services/scheduler/metrics.ts';
import { CHART, only, render } from '../support/chart.ts';
import { helms } from '../support/helm.ts';
import { notRun } from '../support/not-run.ts';
import { findPromtool } from '../support/promtool.ts';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const file = path.join(CHART, 'files/alerts.yaml');
const { groups } = parse(readFileSync(file, 'utf8')) as {
  groups: readonly { readonly rules: readonly Alert[] }[];
};
const alerts = groups.flatMap(({ rules }) => rules);
const promtool = findPromtool();
if (promtool === null)
  await notRun('the rules of the alerts', 'promtool is not there (Debian: apt install prometheus)');

describe('the alerts', () => {
  it('are at most five, each with what to do', () => {
    expect(alerts.length).toBeLessThanOrEqual(5);
    for (const { alert, labels, annotations } of alerts) {
      expect(['critical', 'warning'], alert).toContain(labels['severity']);
      expect(Object.keys(annotations).toSorted(), alert).toEqual(['description', 'runbook_url', 'summary']);
      const runbook = annotations['runbook_url'] ?? '';
      expect(runbook).toMatch(/^docs\/runbooks\/[a-z-]+\.md$/);
      expect(existsSync(path.join(CHART, '../../..', runbook)), runbook).toBe(true);
    }
  });

  it('are of metrics that the services have', async () => {
    const [scheduler, runner, sandbox, reporter] = ['scheduler', 'runner', 'sandbox', 'reporter'].map(
      createMetrics,
    );
    if (!scheduler || !runner || !sandbox || !reporter) throw new Error('four of them');
    schedulerMetrics(scheduler);
    runnerMetrics(runner);
    sandboxMetrics(sandbox);
    reporterMetrics(reporter);
    const pages = await Promise.all([scheduler, runner, sandbox, reporter].map((metrics) => metrics.text()));
    const names = new Set([...pages.join('\n').matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    for (const { alert, expr } of alerts) {
      const used = [...expr.matchAll(/assay_\w+/g)].map(([name]) => name);
      expect(used.length, alert).toBeGreaterThan(0);
      expect(
        used.filter((name) => !names.has(name)),
        alert,
      ).toEqual([]);
    }
  });

  it.skipIf(promtool === null)('come when they should, and not before', async () => {
    await run(promtool ?? '', ['check', 'rules', file]);
    await run(promtool ?? '', ['test', 'rules', path.join(CHART, 'files/alerts.test.yaml')]);
  });
});

const [helm] = await helms();

describe.skipIf(helm === undefined)('what watches the services', () => {
  const given = helm ?? { version: '', program: '' };

  it('is there where the cluster knows its kinds, with the labels and runbooks of the values', async () => {
    const set = [
      'monitoring.labels={"release":"prometheus"}',
      'monitoring.rules.runbooks="https://docs.example/runbooks"',
    ];
    const objects = await render(given, { set });
    for (const kind of ['ServiceMonitor', 'PodMonitor', 'PrometheusRule'])
      expect(only(objects, kind).metadata.labels).toMatchObject({ release: 'prometheus' });
    const rule = only(objects, 'PrometheusRule').spec as { groups: { rules: Alert[] }[] };
    expect(rule.groups[0]?.rules.map(({ alert }) => alert)).toEqual(alerts.map(({ alert }) => alert));
    expect(rule.groups[0]?.rules[0]?.annotations['runbook_url']).toBe(
      'https://docs.example/runbooks/assay-no-leader.md',
    );
  });

  it('is not there where they are not asked for', async () => {
    const objects = await render(given, { set: ['monitoring.enabled=false'] });
    expect(objects.filter(({ apiVersion }) => apiVersion.startsWith('monitoring.coreos.com'))).toEqual([]);
  });
});

function run(program: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(program, args, (error, stdout, stderr) =>
      error === null ? resolve() : reject(new Error(stdout + stderr)),
    );
  });
}
