// Set-up alone: `node scripts/setup/main.mjs [npm] [node] [nats] [model] [demo]`; without names, all of them.
import { requireMachine } from './machine.mjs';

requireMachine();
const { setUpOrExit } = await import('./front-door.mjs');
const parts = ['npm', 'node', 'nats', 'model', 'demo'];
const asked = process.argv.slice(2);
const unknown = asked.filter((part) => !parts.includes(part));
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}: there are ${parts.join(', ')}.`);
  process.exit(2);
}
await setUpOrExit({ parts: asked.length === 0 ? parts : asked });
