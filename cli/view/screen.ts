import { Job } from '@assay/proto/assay/v1/job';
import { render, stateName, summary, type Live } from './live.ts';
import { paint } from './paint.ts';
import { plain } from './plain.ts';

/** Where a view is drawn. */
export interface Screen {
  write(text: string): void;
  readonly isTty: boolean;
  /** Cells in a line. */
  readonly width: number;
  /** Lines; none means that all fit. */
  readonly height?: number | undefined;
  /** Colours are wanted (https://no-color.org); default is that they are not. */
  readonly color?: boolean;
}

export type Moment = Omit<Live, 'width' | 'height'>;

export interface View {
  /** The job has changed. */
  changed(now: Moment): void;
  /** Time has passed; `paceMs` apart. */
  ticked(now: Moment): void;
  readonly paceMs: number;
}

export function viewOn(out: Screen, json: boolean): View {
  if (json) return jsonView(out);
  return out.isTty ? liveView(out) : plainView(out);
}

/** One JSON line for each change. */
function jsonView(out: Screen): View {
  return {
    paceMs: 60_000,
    changed: ({ job }) => out.write(`${JSON.stringify(Job.toJSON(job))}\n`),
    ticked: () => undefined,
  };
}

/** Redrawn in place: the cursor goes up over what was drawn before. Nothing is written while nothing changes. */
function liveView(out: Screen): View {
  let drawn: readonly string[] = [];
  const draw = (now: Moment) => {
    // The cursor waits in the line below, so one line fewer fits.
    const room = out.height === undefined ? {} : { height: Math.max(2, out.height - 1) };
    const lines = render({ ...now, ...room, width: out.width });
    if (lines.join('\n') === drawn.join('\n')) return;
    const up = drawn.length > 0 ? `\u001b[${drawn.length}A` : '';
    const shown = out.color === true ? paint(lines) : lines;
    out.write(`${up}${shown.map((line) => `\u001b[2K${line}\n`).join('')}\u001b[J`);
    drawn = lines;
  };
  return { paceMs: 500, changed: draw, ticked: draw };
}

/** A line at every change of state, and one every five seconds. */
function plainView(out: Screen): View {
  let state = '';
  return {
    paceMs: 5_000,
    changed({ job }) {
      if (job.state === state) return;
      state = job.state;
      out.write(`${stateName(job.state)}  ${plain(job.reason)}: ${plain(job.detail)}\n`);
    },
    ticked: (now) => out.write(`${summary({ ...now, width: Number.POSITIVE_INFINITY })}\n`),
  };
}
