import { isMap, isPair, isScalar, parseDocument, type Pair, type YAMLMap } from 'yaml';

/** A Markdown list of every value: its path, its default, and the comment over it. */
export function valuesList(yaml: string): string {
  const { contents } = parseDocument(yaml);
  if (!isMap(contents)) throw new Error('the values are no map');
  return rowsOf(contents, []).map(lineOf).join('\n');
}

interface Row {
  readonly path: string;
  readonly value: string;
  readonly comment: string;
}

function rowsOf(map: YAMLMap, above: readonly string[]): readonly Row[] {
  return map.items
    .filter(isPair)
    .flatMap((pair, index) => rowsOfPair(pair, above, index === 0 ? map.commentBefore : null));
}

// The comment over the first key of a map is the map's.
function rowsOfPair(pair: Pair, above: readonly string[], ofMap: string | null | undefined): readonly Row[] {
  if (!isScalar(pair.key)) throw new Error('a value has no name');
  const here = [...above, String(pair.key.value)];
  const comment = said(above.length === 0 ? pair.key.commentBefore : (pair.key.commentBefore ?? ofMap));
  const { value } = pair;
  if (isMap(value) && value.items.length > 0 && value.flow !== true) {
    const below = rowsOf(value, here);
    return comment === '' ? below : [{ path: here.join('.'), value: '', comment }, ...below];
  }
  const shown = JSON.stringify((value as { toJSON(): unknown } | null)?.toJSON() ?? null);
  return [{ path: here.join('.'), value: shown, comment }];
}

// What is divided from it by an empty line is said of the file.
function said(comment: string | null | undefined): string {
  const own = (comment ?? '').split('\n\n').at(-1) ?? '';
  return own
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .trim();
}

function lineOf({ path, value, comment }: Row): string {
  const line = value === '' ? `- \`${path}\`` : `- \`${path}\` = \`${value}\``;
  return comment === '' ? line : `${line}: ${comment}`;
}
