// The part of node-llama-cpp 3.22.1 and @huggingface/jinja 0.5.11 that the server uses. Both are installed for the demo
// only; these declarations let the type check and the unit tests run without them.

declare module 'node-llama-cpp' {
  export interface LlamaModel {
    readonly trainContextSize: number;
    readonly tokens: {
      readonly bos: number | null;
      readonly eos: number | null;
      readonly bosString?: string | undefined;
      readonly eosString?: string | undefined;
      readonly shouldPrependBosToken: boolean;
    };
    readonly fileInfo: {
      readonly metadata: {
        readonly tokenizer: {
          readonly chat_template?: string;
          readonly ggml: { readonly tokens: readonly string[] };
        };
      };
    };
    tokenize(text: string, specialTokens: boolean): number[];
    detokenize(tokens: readonly number[], specialTokens: boolean): string;
    isEogToken(token: number): boolean;
    createContext(options: {
      contextSize: number;
      batchSize: number;
      threads: number;
      sequences: number;
      flashAttention: boolean;
    }): Promise<LlamaContext>;
    dispose(): Promise<void>;
  }

  export interface LlamaContext {
    readonly contextSize: number;
    getSequence(): LlamaContextSequence;
  }

  export interface Sampling {
    temperature: number;
    topP: number;
    topK: number;
    minP: number;
    seed: number;
  }

  export interface GenerateNext {
    token?: boolean;
    logits?: boolean;
    options?: Sampling;
  }

  export interface LlamaContextSequence {
    readonly nextTokenIndex: number;
    eraseContextTokenRanges(ranges: { start: number; end: number }[]): Promise<void>;
    controlledEvaluate(
      input: (number | [token: number, options: { generateNext: GenerateNext }])[],
    ): Promise<(undefined | { next: { token?: number | null; logits?: ReadonlyMap<number, number> } })[]>;
  }

  export interface Llama {
    loadModel(options: { modelPath: string; gpuLayers: number }): Promise<LlamaModel>;
    dispose(): Promise<void>;
  }

  export function getLlama(options: {
    gpu: false;
    build: 'never';
    skipDownload: boolean;
    progressLogs: boolean;
    maxThreads: number;
    logLevel: string;
  }): Promise<Llama>;
}

declare module '@huggingface/jinja' {
  export class Template {
    constructor(source: string);
    render(context: Record<string, unknown>): string;
  }
}
