import { service } from 'grpc-health-check';
import { makeGenericClientConstructor, type Client, type ServiceError } from '@grpc/grpc-js';
import { connectRpc } from './client.ts';
import { fromServiceError } from './status.ts';

type Check = (
  request: { readonly service: string },
  options: { readonly deadline: number },
  callback: (error: ServiceError | null, response: { readonly status: string | number }) => void,
) => void;

/** What a server says of one of its services by gRPC's health protocol: `SERVING`, `NOT_SERVING`. */
export async function healthOf(address: string, name: string, deadlineMs: number): Promise<string> {
  const client: Client & Record<string, unknown> = connectRpc(HealthClient, address);
  try {
    const check = (client['Check'] as Check).bind(client);
    return await new Promise((resolve, reject) => {
      check({ service: name }, { deadline: Date.now() + deadlineMs }, (error, response) => {
        if (error === null) resolve(String(response.status));
        else reject(fromServiceError(error, address, false));
      });
    });
  } finally {
    client.close();
  }
}

const HealthClient = makeGenericClientConstructor(service, 'Health');
