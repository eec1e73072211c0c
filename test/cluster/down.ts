// `npm run cluster:down`: takes the cluster of this machine down; one that KUBECONFIG gives is left alone.
import { takeDown } from './bring-up.ts';
import { command } from './command.ts';
import { whyNoClusterHere } from './machine.ts';

await command(async (signal) => {
  const why = whyNoClusterHere();
  if (why === null) await takeDown(signal);
  else console.log(`Nothing to take down: ${why}.`);
  return 0;
});
