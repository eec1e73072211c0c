import { makeGenericClientConstructor, type ServiceDefinition } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { connectRpc } from '../client.ts';

/** What a service says of its health: SERVING, NOT_SERVING, or the code of its refusal. No token is sent. */
export function healthOf(address: string, service: string): Promise<unknown> {
  const client = connectRpc(generic(healthService), address);
  return new Promise((resolve) => {
    client['Check']?.({ service }, (error: { readonly code: number } | null, answer: { status: unknown }) => {
      client.close();
      resolve(error === null ? answer.status : error.code);
    });
  });
}

/** The names that server reflection lists, or the code of its refusal. */
export function reflected(address: string, token: string): Promise<readonly string[] | number> {
  const client = connectRpc(generic({ info: REFLECTION }), address, { token });
  return new Promise((resolve) => {
    const stream = client['info']?.();
    stream.on('data', (data: Buffer) => {
      resolve(namesIn(data.toString('latin1')));
      stream.end();
      client.close();
    });
    stream.on('error', (error: { readonly code: number }) => {
      resolve(error.code);
      client.close();
    });
    // ServerReflectionRequest.list_services = 7, any text.
    stream.write(Buffer.from([0x3a, 0x00]));
  });
}

// ServiceResponse is one field, the full name, after a tag and a length that are no letters.
function namesIn(text: string): readonly string[] {
  return (text.match(/[a-z]\w*(?:\.\w+)+/g) ?? []).toSorted();
}

function generic(definition: ServiceDefinition) {
  return makeGenericClientConstructor(definition, 'Generic');
}

const bytes = (value: Buffer) => value;

const REFLECTION = {
  path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
  requestStream: true,
  responseStream: true,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
};
