import type { EchoReply } from '../ports.ts';
import { tokenStarts } from '../generate/solvers/token-starts.ts';
import type { ProbeText } from './probe-text.ts';

const LIKELY = Math.log(0.3);
const UNLIKELY = Math.log(0.05);
// A model of 135 million parameters has 63 % of them right; numbers of other tokens are hardly ever both likely and best.
const LEAST_SHARE = 0.4;
// How far a surprise lies below the predictable token right before it, on average: a factor of 20.
const LEAST_FALL = 3;

/**
 * Judges the log-probabilities of the probe text: null when log-likelihoods built on them mean what they say, else
 * what was seen. A count of numbers is not enough: servers answer plausible numbers for the wrong places. Where the
 * text can be predicted, its tokens must be near certain and the likeliest; surprising ones must be unlikely, and far
 * below those right before them, so that numbers shifted by one place either way are found.
 */
export function judgeProbe(probe: ProbeText, echo: EchoReply, sentTokens: number | null): string | null {
  const starts = tokenStarts(echo.tokens, probe.text);
  if (starts === null) {
    return `the echoed tokens do not make up the prompt; they begin ${JSON.stringify(echo.tokens.slice(0, 4))}`;
  }
  const end = starts.findIndex((start) => start >= probe.text.length);
  const promptTokens = end === -1 ? starts.length : end;
  if (sentTokens !== null && promptTokens !== sentTokens) {
    return `${sentTokens} prompt tokens were sent and ${promptTokens} came back`;
  }
  return missing(echo, promptTokens) ?? predicted(probe, echo, starts);
}

function missing(echo: EchoReply, promptTokens: number): string | null {
  const absent = echo.logprobs.slice(1, promptTokens).filter((logprob) => logprob === null).length;
  if (absent > 0) {
    return `${absent} of ${promptTokens} prompt tokens have no log-probability, and only the first may have none`;
  }
  const unranked = echo.best.slice(1, promptTokens).filter((best) => best === null).length;
  return unranked === 0 ? null : `${unranked} of ${promptTokens} prompt tokens have no top_logprobs`;
}

function predicted(probe: ProbeText, echo: EchoReply, starts: readonly number[]): string | null {
  const at = (i: number) => ({ logprob: echo.logprobs[i] ?? Number.NaN, best: echo.best[i] ?? Number.NaN });
  const isLikely = (i: number) => at(i).logprob >= LIKELY && at(i).logprob >= at(i).best;
  const known = [...starts.keys()].filter((i) => {
    const start = starts[i] ?? -1;
    return probe.predictable.some(({ from, end }) => start >= from && start < end);
  });
  const strange = probe.surprises.map((start) => starts.indexOf(start)).filter((i) => i > 0);
  if (strange.length < probe.surprises.length) return 'words do not begin tokens of their own';
  const likely = known.filter(isLikely).length;
  const surprised = strange.filter((i) => at(i).logprob < UNLIKELY).length;
  const fall = mean(strange.map((i) => at(i - 1).logprob)) - mean(strange.map((i) => at(i).logprob));
  if (likely >= known.length * LEAST_SHARE && surprised > strange.length / 2 && fall >= LEAST_FALL)
    return null;
  const shifted =
    likely >= known.length / 2 ? 'they look shifted by one place' : 'they do not belong to their tokens';
  return (
    `prompt log-probabilities are there, but ${shifted}: of ${known.length} predictable tokens ${likely} are likely, ` +
    `of ${strange.length} surprising ones ${surprised} are unlikely, ${fall.toFixed(1)} below those right before them`
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
