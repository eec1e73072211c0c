import type { EchoReply } from '../ports.ts';
import { tokenStarts } from '../generate/solvers/choices.ts';
import type { ProbeText } from './probe-text.ts';

const LIKELY = Math.log(0.3);
const UNLIKELY = Math.log(0.05);
const MOST_SHARE = 0.8;

/**
 * Judges the log-probabilities of the probe text: null when log-likelihoods built on them mean what they say, else
 * what was seen. A count of numbers is not enough: servers answer plausible numbers for the wrong places. Where the
 * text can be predicted, its words must be near certain and the likeliest; a surprising word must be unlikely, and the
 * word right before it must not be, so that numbers shifted by one place either way are found.
 */
export function judgeProbe(probe: ProbeText, echo: EchoReply, sentTokens: number | null): string | null {
  const starts = tokenStarts(echo.tokens.map(plainText), probe.text);
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

// Tokens as some servers show them: with the marks that stand for a space in their vocabulary.
function plainText(token: string): string {
  return token.replaceAll(/[\u2581\u0120]/g, ' ');
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
  const at = (start: number) => {
    const i = starts.indexOf(start);
    return { logprob: echo.logprobs[i] ?? Number.NaN, best: echo.best[i] ?? Number.NaN };
  };
  const known = probe.predictable.filter((start) => starts.includes(start));
  const right = known.filter(
    (start) => at(start).logprob >= LIKELY && at(start).logprob >= at(start).best,
  ).length;
  const surprised = probe.surprises.filter(({ at: start }) => at(start).logprob < UNLIKELY).length;
  const sure = probe.surprises.filter(({ before }) => at(before).logprob >= LIKELY).length;
  const most = Math.ceil(probe.surprises.length * 0.6);
  const seen =
    `${right} of ${known.length} predictable words are likely, ${surprised} of ${probe.surprises.length} surprising ` +
    `words are unlikely, and ${sure} of ${probe.surprises.length} words before them are likely`;
  if (known.length < probe.predictable.length * 0.5) {
    return `only ${known.length} of ${probe.predictable.length} words begin a token of their own`;
  }
  if (right >= known.length * MOST_SHARE && surprised >= most && sure >= most) return null;
  const shifted =
    right >= known.length * 0.5 ? 'they look shifted by one place' : 'they do not belong to their tokens';
  return `prompt log-probabilities are there, but ${shifted}: ${seen}`;
}
