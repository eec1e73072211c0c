import { getLlama } from 'node-llama-cpp';
import type { LlamaContextSequence, LlamaModel } from 'node-llama-cpp';
import type { Sequence, Vocabulary } from './port.ts';

export interface LoadedModel {
  readonly vocabulary: Vocabulary;
  readonly sequence: Sequence;
  readonly chatTemplate: string;
  dispose(): Promise<void>;
}

/** Loads a GGUF file on the CPU. `contextLength`: tokens of prompt and answer together. */
export async function loadModel(options: {
  readonly path: string;
  readonly threads: number;
  readonly contextLength: number;
}): Promise<LoadedModel> {
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    maxThreads: options.threads,
    logLevel: 'error',
  });
  const model = await llama.loadModel({ modelPath: options.path, gpuLayers: 0 });
  const context = await model.createContext({
    contextSize: options.contextLength + 1, // node-llama-cpp shifts the context when one token is left
    batchSize: 128,
    threads: options.threads,
    sequences: 1,
    flashAttention: false, // its numbers depend on how many tokens are read together
  });
  return {
    vocabulary: vocabularyOf(model),
    sequence: sequenceOf(context.getSequence()),
    chatTemplate: model.fileInfo.metadata.tokenizer.chat_template ?? '',
    dispose: () => llama.dispose(),
  };
}

function vocabularyOf(model: LlamaModel): Vocabulary {
  return {
    size: model.fileInfo.metadata.tokenizer.ggml.tokens.length,
    bos: model.tokens.bosString ?? null,
    eos: model.tokens.eosString ?? null,
    prependsBos: model.tokens.shouldPrependBosToken,
    tokenize: (text) => model.tokenize(text, true),
    detokenize: (tokens, special) => model.detokenize(tokens, special),
    isEnd: (token) => model.isEogToken(token),
  };
}

function sequenceOf(sequence: LlamaContextSequence): Sequence {
  return {
    async rewind(length) {
      const end = sequence.nextTokenIndex;
      if (length < end) await sequence.eraseContextTokenRanges([{ start: length, end }]);
    },
    async read(tokens) {
      await sequence.controlledEvaluate([...tokens]);
    },
    async draw(tokens, sampling) {
      const last = tokens.length - 1;
      const results = await sequence.controlledEvaluate(
        tokens.map((token, index) =>
          index === last ? [token, { generateNext: { token: true, options: sampling } }] : token,
        ),
      );
      const drawn = results[last]?.next.token;
      if (drawn === undefined || drawn === null) throw new Error('the model gave no token');
      return drawn;
    },
    async logits(tokens, from) {
      const results = await sequence.controlledEvaluate(
        tokens.map((token, index) => (index < from ? token : [token, { generateNext: { logits: true } }])),
      );
      return Array.from({ length: tokens.length - from }, (_, index) => {
        const logits = results[from + index]?.next.logits;
        if (logits === undefined) throw new Error('the model gave no logits');
        return logits;
      });
    },
  };
}
