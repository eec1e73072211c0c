import { describe, expect, it } from 'vitest';
import { blobs, finalRequest, toyTask } from '../testing/builders.ts';
import { fencedText, inlineText } from './escape.ts';
import { reportMarkdown, type MarkdownFacts } from './markdown.ts';

function facts(parts: Partial<MarkdownFacts['request']> = {}): MarkdownFacts {
  const toy = toyTask(blobs().put);
  const metric = { metric: 'exact_match', filter: 'strict', higherIsBetter: true };
  return {
    request: { ...finalRequest(blobs().put, [toy]), ...parts },
    tasks: [
      {
        plan: toy.plan,
        hash: 'ab'.repeat(32),
        firstPrompt: 'Q: question 0',
        measure: {
          sampleLength: 6,
          longest: { doc: 4, completionTokens: 9 },
          result: {
            task: 'toy',
            metrics: [{ ...metric, value: 0.5, stderr: 0.2236, low: 0.1876, high: 0.8124, n: 6 }],
            docs: 7,
            expected: 7,
            scored: 6,
            unscored: 1,
            promptTokens: 70,
            completionTokens: 14,
            truncatedPrompts: 0,
            reasons: { REQUEST_FAILED: 1 },
          },
        },
      },
    ],
    files: [{ name: 'samples_toy.jsonl', bytes: 123 }],
  };
}

describe('reportMarkdown', () => {
  it('says scores with error, interval, count and coverage, what is unscored, and where it comes from', () => {
    expect(reportMarkdown(facts())).toMatchInlineSnapshot(`
      "# org/toy-model · job aaaaaaaaaaaa

      ## Scores

      | Task | Metric | Filter | Value ± stderr | 95 % interval | n | Coverage |
      | --- | --- | --- | --- | --- | --- | --- |
      | toy | exact_match ↑ | strict | 0.5000 ± 0.2236 | 0.1876 – 0.8124 | 6 | 85.7 % |

      ## Unscored

      Faults of the infrastructure: they are left out of the scores and lower the coverage.

      | Task | Reason | Count |
      | --- | --- | --- |
      | toy | REQUEST_FAILED | 1 |

      ## Cost

      61.1 s from start to end.

      | Task | Prompt tokens | Generated tokens | Longest | Truncated prompts |
      | --- | --- | --- | --- | --- |
      | toy | 70 | 14 | 9 (doc 4) | 0 |

      ## Provenance

      |  |  |
      | --- | --- |
      | Model | org/toy-model |
      | Served by | external http://127.0.0.1:1/v1 |
      | Seed | 1234 |
      | Started | 2026-01-02T03:04:05.600Z |
      | Ended | 2026-01-02T03:05:06.700Z |
      | Scoring | epoch 0 |
      | jail tier | 1 |

      | Task | Version | Kind | Documents | Repeats | Few-shot | Hash |
      | --- | --- | --- | --- | --- | --- | --- |
      | toy | 1.0 | score | 7 of 8 | 1 | 0 | abababababababab |

      ## Prompts

      Task toy, document 0:

      \`\`\`text
      Q: question 0
      \`\`\`

      ## Files

      | File | Bytes |
      | --- | --- |
      | samples_toy.jsonl | 123 |
      "
    `);
  });

  it('never rounds an incomplete coverage up to everything', () => {
    const { tasks, ...rest } = facts();
    const [task] = tasks;
    if (task === undefined) throw new Error('no task');
    const result = { ...task.measure.result, expected: 100_000, scored: 99_999 };
    const text = reportMarkdown({ ...rest, tasks: [{ ...task, measure: { ...task.measure, result } }] });
    expect(text).toContain('| 99.9 % |');
  });

  it('shows hostile names as text', () => {
    const text = reportMarkdown(facts({ model: '<img src=x>\n| a | [b](http://c) \u202e`d`\0' }));
    expect(text).toContain('# \\<img src=x\\> \\| a \\| \\[b\\](http://c) \ufffd\\`d\\`\ufffd');
  });
});

describe('escaping', () => {
  it('keeps text on one line and short', () => {
    expect(inlineText('a\r\nb\tc', 3)).toBe('a b …');
  });
  it('leaves the underscores within a word alone, and no others', () => {
    expect(inlineText('toy_task _x_')).toBe('toy_task \\_x\\_');
  });
  it('fences text with more backticks than it holds', () => {
    expect(fencedText('a\n````\nb')).toBe('`````text\na\n````\nb\n`````');
  });
  it('does not cut a character in two', () => {
    expect(inlineText('😀😀😀', 2)).toBe('😀😀 …');
  });
});
