/** The model's tokens. */
export interface Vocabulary {
  readonly size: number;
  readonly bos: string | null;
  readonly eos: string | null;
  /** Whether a text prompt begins with the BOS token that its author did not write. */
  readonly prependsBos: boolean;
  /** Names of special tokens inside the text become those tokens. */
  tokenize(text: string): number[];
  /** `special`: special tokens as their names; otherwise they leave no text. */
  detokenize(tokens: readonly number[], special: boolean): string;
  /** A token that ends a generation. */
  isEnd(token: number): boolean;
}

export interface Sampling {
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** 0 is off. */
  readonly topK: number;
  readonly minP: number;
  readonly seed: number;
}

/** Unnormalised log-probabilities of the whole vocabulary, by token. */
export type Logits = ReadonlyMap<number, number>;

/** The model's state over the tokens read so far; one caller at a time. */
export interface Sequence {
  /** Forgets everything after the first `length` tokens. */
  rewind(length: number): Promise<void>;
  /** Reads the tokens. */
  read(tokens: readonly number[]): Promise<void>;
  /** Reads the tokens and draws the one that follows the last of them. */
  draw(tokens: readonly number[], sampling: Sampling): Promise<number>;
  /** Reads the tokens and gives, for each from index `from` on, the logits of the token that follows it. */
  logits(tokens: readonly number[], from: number): Promise<readonly Logits[]>;
}
