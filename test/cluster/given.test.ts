import { describe, expect, it } from 'vitest';
import { versionProblem } from './given.ts';

describe('versionProblem', () => {
  it.each(['v1.34.0', '1.36.3', 'v2.0.0', 'v1.35.1+vendor.2'])('%s will do', (version) => {
    expect(versionProblem(version)).toBeNull();
  });

  it.each(['v1.33.9', '1.9.0', 'of an unknown version'])('%s will not, and it says what would', (version) => {
    expect(versionProblem(version)).toContain(`Kubernetes ${version}: Assay needs 1.34`);
  });
});
