// `npm run cluster:up`: the cluster of KUBECONFIG, or one on this machine.
import { bringUp } from './bring-up.ts';
import { command, NONE_HERE } from './command.ts';
import { askGivenCluster, givenKubeconfig } from './given.ts';
import { whyNoClusterHere } from './machine.ts';
import { clusterEnv } from './record.ts';

await command(async (signal) => {
  const given = givenKubeconfig();
  if (given !== null) {
    const { apiServer, version, nodes } = await askGivenCluster(given);
    console.log(
      `Using the cluster of KUBECONFIG=${given}: Kubernetes ${version} at ${apiServer}, ${nodes.length} nodes.`,
    );
    return 0;
  }
  const why = whyNoClusterHere();
  if (why !== null) {
    console.error(`No cluster: ${why}. With KUBECONFIG set, that one is used.`);
    return NONE_HERE;
  }
  const { cluster } = await bringUp(signal);
  console.log(
    `${cluster.nodes.map(({ name }) => name).join(' and ')} at ${cluster.apiServer}; audit log ${cluster.auditLog}`,
  );
  for (const [name, value] of Object.entries(clusterEnv(cluster)))
    console.log(`export ${name}=${name === 'PATH' ? `${cluster.programs}:$PATH` : value}`);
  return 0;
});
