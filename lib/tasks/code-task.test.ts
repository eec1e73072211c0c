import { describe, expect, it } from 'vitest';
import { bundleOf, jsonLines } from './fixtures/bundle.ts';
import { openTask, programOf } from './index.ts';

const YAML = `task: adds
dataset_path: json
dataset_kwargs: { data_files: { test: d.jsonl } }
test_split: test
doc_to_text: "{{prompt}}"
doc_to_target: "{{test}}"
repeats: 3
metric_list: [{ metric: pass_at_k, aggregation: mean, higher_is_better: true }]
metadata:
  assay:
    code:
      entry: name
      prefix: prompt
      setup: "import math"
      tests: "{{test}}\\ncheck({{name}})"
      k: [1, 3]
      cpu_seconds: 2.5
      wall_seconds: 9
      memory_mib: 256
      output_kib: 64
`;
const CHAT = `include: t.yaml
task: adds_chat
filter_list:
  - name: fenced
    filter:
      - { function: regex, regex_pattern: "\`\`\`python\\\\n([\\\\s\\\\S]*?)\`\`\`" }
      - { function: take_first }
metadata: { assay: { api: chat, code: { entry: name, tests: "{{test}}" } } }
`;
const DOC = { prompt: 'def add(a, b):\n', name: 'add', test: 'def check(f):\n    assert f(1, 2) == 3\n' };
const files = bundleOf({ 't.yaml': YAML, 'c.yaml': CHAT, 'd.jsonl': jsonLines(DOC) });

describe('a code task', () => {
  it('is executed and scored by sample, with its limits and one metric for each k', async () => {
    const { header } = await openTask(files, { name: 'adds' }, 1);
    expect(header.kind).toBe('execute');
    expect(header.scoring).toMatchObject({
      per: 'sample',
      code: { k: [1, 3], cpuMs: 2500, wallMs: 9000, memoryBytes: 268435456, outputBytes: 65536 },
    });
    expect(header.metrics).toEqual([
      { metric: 'pass@1', aggregation: 'pass_at_k', higherIsBetter: true, args: { k: 1 } },
      { metric: 'pass@3', aggregation: 'pass_at_k', higherIsBetter: true, args: { k: 3 } },
    ]);
  });

  it('makes set-up, prefix and completion one program, with its indentation', async () => {
    const task = await openTask(files, { name: 'adds' }, 1);
    for await (const { doc } of task.items()) {
      expect(programOf(task.header.scoring, doc, '    return a + b\n')).toEqual({
        program: 'import math\ndef add(a, b):\n    return a + b\n',
        tests: `${DOC.test}\ncheck(add)`,
        entry: 'add',
        filtered: { none: '    return a + b\n' },
      });
    }
  });

  it('takes the fenced block of a chat answer', async () => {
    const task = await openTask(files, { name: 'adds_chat' }, 1);
    expect(task.api).toBe('chat');
    expect(task.longPrompt).toBe('refuse');
    for await (const { request, doc } of task.items()) {
      expect(request).toMatchObject({ type: 'generate', prompt: [{ role: 'user', content: DOC.prompt }] });
      const answer = 'Sure:\n```python\ndef add(a, b):\n    return a + b\n```\nDone.';
      const { program, filtered } = programOf(task.header.scoring, doc, answer);
      expect(program).toBe('def add(a, b):\n    return a + b');
      expect(filtered).toEqual({ fenced: program });
    }
  });
});
