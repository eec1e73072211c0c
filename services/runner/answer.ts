import type { CheckValue, PrepareValue, StageAnswer } from '@assay/lib/domain';
import { AssayError } from '@assay/lib/errors';

/** What a stage came to, as its answer; a passing fault is thrown again, so that the item comes again. */
export async function answerOf<T extends PrepareValue | CheckValue>(
  stage: Promise<T>,
): Promise<StageAnswer<T>> {
  try {
    return { v: 1, ok: true, value: await stage };
  } catch (error) {
    const fault = AssayError.from(error);
    if (!fault.permanent) throw fault;
    const { reason, message, violations } = fault;
    return { v: 1, ok: false, reason, message, violations };
  }
}
