import { z } from 'zod';

/** A request that cannot be answered, told as the OpenAI API tells it. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly status: number;
  /** The first field that is wrong. */
  readonly param: string | null;
  readonly code: string | null;

  constructor(
    status: number,
    message: string,
    options: { readonly param?: string; readonly code?: string } = {},
  ) {
    super(message);
    this.status = status;
    this.param = options.param ?? null;
    this.code = options.code ?? null;
  }
}

const tokens = z.array(z.int().min(0)).min(1);
const stop = z.union([z.string().min(1), z.array(z.string().min(1))]);

// Fields that change nothing at the only value taken here are accepted with it; others are refused, for an option that is
// silently ignored makes two runs look equal that are not.
const common = {
  model: z.string().optional(),
  temperature: z.number().min(0).max(100).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  stop: stop.nullish(),
  user: z.string().nullish(),
  n: z.literal(1).nullish(),
  stream: z.literal(false).nullish(),
  presence_penalty: z.literal(0).nullish(),
  frequency_penalty: z.literal(0).nullish(),
  repetition_penalty: z.literal(1).nullish(),
  add_special_tokens: z.boolean().nullish(),
};

export const completionRequest = z.strictObject({
  ...common,
  prompt: z.union([z.string(), tokens, z.array(z.string()).min(1), z.array(tokens).min(1)]),
  max_tokens: z.int().min(0).nullish(),
  echo: z.boolean().nullish(),
  logprobs: z.int().min(0).max(100).nullish(),
  best_of: z.literal(1).nullish(),
  suffix: z.literal('').nullish(),
});

const message = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(z.strictObject({ type: z.literal('text'), text: z.string() }))]),
});

export const chatRequest = z.strictObject({
  ...common,
  messages: z.array(message).min(1),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.literal(false).nullish(),
});

export const tokenizeRequest = z.looseObject({
  prompt: z.string().optional(),
  messages: z.array(message).min(1).optional(),
  add_generation_prompt: z.boolean().optional(),
  add_special_tokens: z.boolean().optional(),
});

export const detokenizeRequest = z.looseObject({ tokens: z.array(z.int().min(0)) });

export type CompletionRequest = z.infer<typeof completionRequest>;
export type ChatRequest = z.infer<typeof chatRequest>;
export type Message = z.infer<typeof message>;

/** Every wrong field at once, in one 400. */
export function parse<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const problems = result.error.issues.flatMap(problemsOf);
  const message = problems.map(({ field, what }) => `${field}: ${what}`).join('; ');
  throw new RequestError(400, message, { param: problems[0]?.field ?? 'body' });
}

function problemsOf(issue: z.core.$ZodIssue): { field: string; what: string }[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ field: key, what: 'this server has no such option' }));
  const field = issue.path.join('.') || 'body';
  return [
    { field, what: issue.code === 'invalid_union' ? 'has none of the accepted shapes' : issue.message },
  ];
}
