import { Metadata, status as Code, type ServiceError } from '@grpc/grpc-js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssayError, REASONS } from '../errors.ts';
import { fromServiceError, toStatus } from './status.ts';

/** The error that a caller's library makes of a status. */
function received(status: ReturnType<typeof toStatus>): ServiceError {
  const { code, details, metadata = new Metadata() } = status;
  return Object.assign(new Error(details), { code, details, metadata: metadata ?? new Metadata() });
}

const text = fc.string({ unit: 'binary', maxLength: 200 });
const anyError = fc
  .record({
    reason: fc.constantFrom(...REASONS),
    message: text,
    violations: fc.array(fc.record({ field: text, message: text }), { maxLength: 5 }),
    permanent: fc.boolean(),
  })
  .map(({ reason, message, ...rest }) => new AssayError(reason, message, rest));

describe('a status', () => {
  it('carries reason, message and violations of every error to the caller', () => {
    fc.assert(
      fc.property(anyError, (error) => {
        const back = fromServiceError(received(toStatus(error)), 'there', false);
        expect(back.reason).toBe(error.reason);
        expect(back.violations).toEqual(error.violations);
        const hidden = 'an internal fault; the log of the service has its cause';
        expect(back.message).toBe(error.reason === 'INTERNAL' ? hidden : error.message);
      }),
    );
  });

  it('can be sent whatever its text holds, and fits into a header', () => {
    const lone = fc.string({
      unit: fc.constantFrom('a', '\ud800', '\udc00', '\n', '\u0000', 'é'),
      maxLength: 9_000,
    });
    fc.assert(
      fc.property(lone, fc.array(lone, { maxLength: 4 }), (message, fields) => {
        const violations = fields.map((field) => ({ field, message }));
        const { details, metadata } = toStatus(new AssayError('INVALID_REQUEST', message, { violations }));
        expect(() => encodeURI(details)).not.toThrow();
        const [sent] = metadata?.get('grpc-status-details-bin') ?? [];
        expect(sent?.length).toBeLessThanOrEqual(6_000);
      }),
    );
  });

  it.each([
    ['LEDGER_FULL', false],
    ['RATE_LIMITED', false],
    ['MESSAGE_TOO_LARGE', true],
    ['NOT_FOUND', true],
    ['INTERNAL', false],
  ] as const)('of %s says whether it can help to try again', (reason, permanent) => {
    const back = fromServiceError(received(toStatus(new AssayError(reason, 'no'))), 'there', false);
    expect(back.permanent).toBe(permanent);
  });

  it.each([
    [
      Code.DEADLINE_EXCEEDED,
      false,
      { reason: 'TIMED_OUT', permanent: false, message: 'there did not answer in time' },
    ],
    [
      Code.UNAVAILABLE,
      false,
      { reason: 'UNAVAILABLE', permanent: false, message: 'there cannot be reached: x' },
    ],
    [Code.CANCELLED, false, { reason: 'UNAVAILABLE', permanent: false, message: 'there ended the call: x' }],
    [Code.CANCELLED, true, { reason: 'CANCELLED', permanent: true }],
    [Code.UNIMPLEMENTED, false, { reason: 'INTERNAL', permanent: true }],
  ])(
    'without our details is understood by its code (%i, cancelled by us: %s)',
    (code, cancelled, expected) => {
      expect(fromServiceError(received({ code, details: 'x' }), 'there', cancelled)).toMatchObject(expected);
    },
  );

  it('with details of another making is understood by its code', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from([0xff, 0xff, 0x01]));
    const error = Object.assign(new Error('x'), { code: Code.NOT_FOUND, details: 'x', metadata });
    expect(fromServiceError(error, 'there', false)).toMatchObject({ reason: 'NOT_FOUND' });
  });
});
