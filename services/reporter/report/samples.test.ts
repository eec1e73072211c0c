import { describe, expect, it } from 'vitest';
import type { GenerateRequest, Scoring, TaskPlan } from '@assay/lib/domain';
import { blobs, row, scored, toyTask, unscored } from '../testing/builders.ts';
import { columnsOf } from './columns.ts';
import { sampleLines, type SampleFacts } from './samples.ts';

const HASHES = {
  doc: 'e4b04b0d9fd856470885d42679ea545ab3f417292fd4a76ac7f417da443db090',
  prompt: '7857279a785c74ab753851a6326cfc180cda0662ec826dfaa7d31db7a8a1b732',
  target: 'acac86c0e609ca906f632b0e2dacccb2b77d22b0621f20ebece1a4835b93f6f0',
};
const GENERATE: GenerateRequest = {
  type: 'generate',
  prompt: 'Q: é1',
  settings: { until: ['\n'], maxTokens: 8, temperature: 0.5, extra: {} },
};

function planOf(scoring: Partial<Scoring>, config: TaskPlan['config'] = {}): TaskPlan {
  const { plan } = toyTask(blobs().put, { docs: 1, scoring });
  return { ...plan, config };
}

function facts(plan: TaskPlan, parts: Partial<SampleFacts>): SampleFacts {
  return {
    plan,
    columns: columnsOf(plan.scoring, plan.metrics),
    request: { doc: 0, repeats: [0], request: GENERATE },
    doc: { doc: 0, json: '{"q": "é1", "a": "l"}', target: 'l', gold: ['l'], hashes: HASHES },
    answers: [],
    scores: [],
    ...parts,
  };
}

function text(value: string): SampleFacts['answers'][number] {
  return { ok: true, type: 'text', response: { text: value, finishReason: 'stop' } };
}

function scores(...outcomes: Parameters<typeof scored>[]): SampleFacts['scores'] {
  return outcomes.map((arguments_) => {
    const outcome = scored(...arguments_);
    return { row: row({ outcome }), outcome };
  });
}

/** The line without the key that lm-evaluation-harness does not write. */
function withoutOurs(line: string | undefined): string {
  return (line ?? '').replace(/, "assay": \{.*\}\}$/, '}');
}

// The expected lines were written by lm-evaluation-harness 0.4.13 for the same documents and answers.
describe('sampleLines', () => {
  it('of a generated task with two pipelines and repeats equals the reference to the character', () => {
    const plan = planOf(
      {},
      { generation_kwargs: { until: ['\n'], max_gen_toks: 8, temperature: 0.5, do_sample: true } },
    );
    const lines = sampleLines(
      facts(plan, {
        answers: [text('lol'), text('lol')],
        scores: scores([
          { 'exact_match,strict': 1, 'exact_match,flex': 0 },
          { strict: 'l', flex: '[invalid]' },
        ]),
      }),
    );
    const head =
      '{"doc_id": 0, "doc": {"q": "é1", "a": "l"}, "target": "l", "arguments": {"gen_args_0": {"arg_0": "Q: é1", "arg_1": {"until": ["\\n"], "max_gen_toks": 8, "temperature": 0.5, "do_sample": true}}}, "resps": [["lol", "lol"]]';
    const hashes = `"doc_hash": "${HASHES.doc}", "prompt_hash": "${HASHES.prompt}", "target_hash": "${HASHES.target}"`;
    expect(lines.map(withoutOurs)).toEqual([
      `${head}, "filtered_resps": ["l"], "filter": "strict", "metrics": ["exact_match"], ${hashes}, "exact_match": 1.0}`,
      `${head}, "filtered_resps": ["[invalid]"], "filter": "flex", "metrics": ["exact_match"], ${hashes}, "exact_match": 0.0}`,
    ]);
  });

  it('of a multiple-choice task equals the reference to the character', () => {
    const metrics = ['acc', 'acc_norm'].map((metric) => ({
      metric,
      aggregation: 'mean',
      higherIsBetter: true,
      args: {},
    }));
    const plan = planOf(
      { outputType: 'multiple_choice', pipelines: [{ name: 'none', steps: [] }], metrics },
      { target_delimiter: ' ' },
    );
    const shown = [
      ['-0.10905784593110368', 'False'],
      ['-0.5512672460905512', 'False'],
    ];
    const [line] = sampleLines(
      facts(plan, {
        request: {
          doc: 0,
          repeats: [0],
          request: {
            type: 'choices',
            contexts: ['Q: é1\nA:'],
            pairs: [
              { context: 0, continuation: ' x' },
              { context: 0, continuation: ' yé' },
            ],
          },
        },
        doc: {
          doc: 0,
          json: '{"q": "é1", "a": "l"}',
          target: '1',
          gold: [1],
          choices: ['x', 'yé'],
          hashes: HASHES,
        },
        answers: [
          {
            ok: true,
            type: 'choices',
            responses: [
              [-0.10905784593110368, false],
              [-0.5512672460905512, false],
            ],
          },
        ],
        scores: scores([{ 'acc,none': 0, 'acc_norm,none': 0 }, { none: shown }]),
      }),
    );
    expect(withoutOurs(line)).toBe(
      '{"doc_id": 0, "doc": {"q": "é1", "a": "l"}, "target": "1", "arguments": {"gen_args_0": {"arg_0": "Q: é1\\nA:", "arg_1": " x"}, "gen_args_1": {"arg_0": "Q: é1\\nA:", "arg_1": " yé"}}, "resps": [[["-0.10905784593110368", "False"]], [["-0.5512672460905512", "False"]]], "filtered_resps": [["-0.10905784593110368", "False"], ["-0.5512672460905512", "False"]], "filter": "none", "metrics": ["acc", "acc_norm"], ' +
        `"doc_hash": "${HASHES.doc}", "prompt_hash": "${HASHES.prompt}", "target_hash": "${HASHES.target}", "acc": 0.0, "acc_norm": 0.0}`,
    );
  });

  it('shows each repeat of a code task with its verdict, and pass@k of the document', () => {
    const plan = planOf({
      per: 'sample',
      repeats: 3,
      pipelines: [{ name: 'none', steps: [] }],
      metrics: [1, 2].map((k) => ({
        metric: `pass@${k}`,
        aggregation: 'pass_at_k',
        higherIsBetter: true,
        args: { k },
      })),
    });
    const outcomes = [1, 0].map((pass) => ({
      ...scored({ 'pass,none': pass }, { none: `code ${pass}` }),
      verdict: {
        status: pass === 1 ? ('AC' as const) : ('WA' as const),
        detail: '',
        cpuMs: 1,
        wallMs: 1,
        maxRssBytes: 1,
        ...(pass === 0 && { attempts: 2, nearLimit: { cpuMs: 1.4, wallMs: 3.6 } }),
      },
    }));
    const failed = unscored('SANDBOX_FAULT', 'the jail broke');
    const [line] = sampleLines(
      facts(plan, {
        answers: [text('a'), text('b'), text('c')],
        scores: [...outcomes, failed].map((outcome, repeat) => ({ row: row({ repeat, outcome }), outcome })),
      }),
    );
    expect(JSON.parse(line ?? '')).toMatchObject({
      resps: [['a', 'b', 'c']],
      filtered_resps: [['code 1', 'code 0', '']],
      metrics: ['pass@1', 'pass@2'],
      'pass@1': 0.5,
      'pass@2': 1,
      assay: {
        verdicts: [
          { repeat: 0, status: 'AC', detail: '' },
          { repeat: 1, status: 'WA', detail: '', attempts: 2, near_limit: { cpu_ms: 1, wall_ms: 4 } },
        ],
        unscored: [{ repeat: 2, reason: 'SANDBOX_FAULT', detail: 'the jail broke' }],
      },
    });
  });

  it('gives a document without a score no metrics and its reason', () => {
    const plan = planOf({});
    const outcome = unscored('TIMED_OUT');
    const [line] = sampleLines(
      facts(plan, {
        answers: [{ ok: false, fault: { reason: 'TIMED_OUT', detail: 'x', attempts: 3 } }],
        scores: [{ row: row({ outcome }), outcome }],
      }),
    );
    expect(JSON.parse(line ?? '')).toMatchObject({
      resps: [['']],
      filtered_resps: [''],
      metrics: [],
      assay: { unscored: [{ repeat: 'all', reason: 'TIMED_OUT' }] },
    });
  });

  it('stays one line of valid UTF-8 whatever the model wrote', () => {
    const [line = ''] = sampleLines(
      facts(planOf({}), {
        answers: [text('a\n\0\u2028\ud800 "}')],
        scores: scores([{}, { strict: '\ud800' }]),
      }),
    );
    expect(line).not.toContain('\n');
    expect(line.isWellFormed()).toBe(true);
    expect(JSON.parse(line)).toMatchObject({ resps: [['a\n\0\u2028\ufffd "}']] });
  });

  it('writes a chat prompt as the reference does: a tuple of one JSON text', () => {
    const prompt = [{ role: 'user' as const, content: 'é?' }];
    const [line = ''] = sampleLines(
      facts(planOf({}), {
        request: {
          doc: 0,
          repeats: [0],
          request: { ...GENERATE, prompt },
        },
        answers: [text('a')],
        scores: scores([{}, {}]),
      }),
    );
    expect(line).toContain('"arg_0": ["[{\\"role\\": \\"user\\", \\"content\\": \\"é?\\"}]"]');
  });
});
