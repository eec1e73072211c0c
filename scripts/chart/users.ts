import { permissionsOf, SERVICE_NAMES } from '@assay/lib/bus';

/** A broker's user as the chart's template reads it. */
export interface ChartUser {
  readonly publish: readonly string[];
  /** Once for each partition, with its name for `{partition}`. */
  readonly publishOfPartition: readonly string[];
  readonly subscribe: readonly string[];
  /** May answer what it was asked. */
  readonly answers: boolean;
}

// A partition's name is itself in every subject that it is part of.
const STAND_IN = 'PARTITION';

/** The users of the broker, by service. A user is called as its service. */
export function chartUsers(): Record<string, ChartUser> {
  return Object.fromEntries(
    SERVICE_NAMES.map((service) => {
      const everywhere = permissionsOf(service, service, []);
      const withOne = permissionsOf(service, service, [STAND_IN]);
      const known = new Set(everywhere.publish);
      const publishOfPartition = withOne.publish
        .filter((subject) => !known.has(subject))
        .map((subject) => subject.replaceAll(STAND_IN, '{partition}'));
      return [service, { ...everywhere, publishOfPartition }];
    }),
  );
}
