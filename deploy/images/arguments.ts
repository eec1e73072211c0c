import { parseArgs } from 'node:util';
import { BASES, NAMES, type BaseKind, type ImageName } from './images.ts';

/** What is asked for on the command line. */
export interface Ask {
  readonly help: boolean;
  readonly names: readonly ImageName[];
  /** Folder that gets an archive of each image. */
  readonly save: string | null;
  /** Whether the base images are made here from Debian packages. */
  readonly packages: boolean;
  /** Base images instead of the Dockerfiles' own, such as the same ones by digest. */
  readonly bases: ReadonlyMap<BaseKind, string>;
}

export const USAGE = `npm run images [-- NAME... [options]]
Builds container images with the engine that DOCKER_HOST names, or this machine's.

NAME is one of ${NAMES.join(', ')}; without names, all of them.
  --packages         make the base images here from Debian packages (Debian, as root; no image registry is asked)
  --base KIND=IMAGE  another base image, such as one by its digest; KIND is one of ${BASES.join(', ')}; can be repeated
  --save DIR         also write each image to DIR/NAME.tar (for \`docker load\` or \`ctr -n k8s.io images import\`)
  --help             this text

Exit code: 0 built, 1 something failed, 2 wrong arguments, 3 no engine answers, 130 interrupted.`;

/** Throws an error that names every wrong argument. */
export function readArguments(args: readonly string[]): Ask {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      help: { type: 'boolean', default: false },
      save: { type: 'string' },
      packages: { type: 'boolean', default: false },
      base: { type: 'string', multiple: true, default: [] },
    },
  });
  const names = NAMES.filter((name) => positionals.includes(name));
  const problems = positionals
    .filter((word) => !NAMES.some((name) => name === word))
    .map((word) => `there is no image ${word}: there are ${NAMES.join(', ')}`);
  const bases = new Map<BaseKind, string>();
  for (const word of values.base) {
    const [, kind, image = ''] = /^([^=]*)=(.+)$/.exec(word) ?? [];
    const known = BASES.find((base) => base === kind);
    if (known === undefined)
      problems.push(`--base ${word}: give ${BASES.map((base) => `${base}=IMAGE`).join(' or ')}`);
    else bases.set(known, image);
  }
  if (values.packages && bases.size > 0) problems.push('give either --packages or --base');
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return {
    help: values.help,
    names: names.length === 0 ? NAMES : names,
    save: values.save ?? null,
    packages: values.packages,
    bases,
  };
}
