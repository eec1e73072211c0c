import type { Metrics } from '@assay/lib/metrics';
import type { Execution, Jail } from '@assay/lib/python';
import type { Settled } from './score/settle.ts';

export type SandboxMetrics = ReturnType<typeof sandboxMetrics>;

/** Every metric that the sandbox emits, beside those of its process and its RPCs. */
export function sandboxMetrics(metrics: Metrics) {
  const executions = metrics.counter({
    name: 'executions_total',
    help: 'Executions that gave a verdict, by status; IE is a fault of ours after all retries.',
    labels: ['status'],
  });
  const executionSeconds = metrics.histogram({
    name: 'execution_seconds',
    help: 'Wall time of an execution, from its start to its end.',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  });
  const executionCpuSeconds = metrics.histogram({
    name: 'execution_cpu_seconds',
    help: 'CPU time of an execution.',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  });
  const retries = metrics.counter({
    name: 'execution_retries_total',
    help: 'Runs repeated after a fault of ours, or alone after one near a time limit.',
  });
  const settled = metrics.counter({
    name: 'scores_total',
    help: 'Generations handled, by what became of them.',
    labels: ['status'],
  });
  const scoreSeconds = metrics.histogram({
    name: 'score_seconds',
    help: 'Time from taking a generation to its score being stored.',
    labels: ['kind'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  });
  const storeSeconds = metrics.histogram({
    name: 'ledger_store_seconds',
    help: 'Time until the scores ledger has confirmed a score.',
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5],
  });
  const slots = metrics.gauge({ name: 'slots', help: 'Executions that run side by side at most.' });
  const running = metrics.gauge({ name: 'slots_running', help: 'Executions that run.' });
  const waiting = metrics.gauge({ name: 'executions_waiting', help: 'Executions that wait for a slot.' });
  const tier = metrics.gauge({
    name: 'jail_tier',
    help: 'What the jail reaches here, found by trying: 1 holds, 3 does not.',
  });
  const info = metrics.gauge({
    name: 'jail_info',
    help: 'Always 1; its labels say what holds here: the Landlock ABI (0 for none), and which trials to break out succeeded.',
    labels: ['python', 'landlock', 'seccomp', 'namespaces', 'allowed'],
  });
  return {
    executed(execution: Pick<Execution, 'status' | 'wallMs' | 'cpuMs' | 'attempts'>) {
      executions.inc({ status: execution.status });
      executionSeconds.observe(execution.wallMs / 1000);
      executionCpuSeconds.observe(execution.cpuMs / 1000);
      retries.inc({}, execution.attempts - 1);
    },
    executionFailed: () => executions.inc({ status: 'IE' }),
    settled(kind: string, status: Settled | 'missing', seconds: number) {
      settled.inc({ status });
      scoreSeconds.observe({ kind }, seconds);
    },
    stored: (seconds: number) => storeSeconds.observe(seconds),
    jail(jail: Pick<Jail, 'report' | 'slots' | 'running' | 'waiting'>) {
      const { python, landlock, seccomp, namespaces, allowed } = jail.report;
      info.set(
        {
          python,
          landlock: String(landlock),
          seccomp: String(seccomp),
          namespaces: namespaces.join('+'),
          allowed: allowed.join(', '),
        },
        1,
      );
      tier.set(jail.report.tier);
      slots.set(jail.slots);
      running.set(jail.running);
      waiting.set(jail.waiting);
    },
  };
}
