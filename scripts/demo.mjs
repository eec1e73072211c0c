// `npm run demo`: brings what the demo needs, then runs it on Node 24.
import { requireMachine } from './setup/machine.mjs';

requireMachine();
const { hand, setUpOrExit } = await import('./setup/front-door.mjs');
const { node } = await setUpOrExit({ parts: ['npm', 'node', 'nats', 'model', 'demo'] });
process.exitCode = await hand([node, 'demo/main.ts', ...process.argv.slice(2)], {});
