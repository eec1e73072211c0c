import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';

/** An API server that lists pods, forwards their ports to one address of this machine, and gives out tokens. */
export interface PodPorts {
  readonly kubeconfig: string;
  /** Pods by name, and whether each is ready. */
  readonly pods: Map<string, boolean>;
  /** Pods to which a connection was made, in order. */
  readonly reached: string[];
  /** What is answered instead of forwarding; what the node says of a connection that it cannot make. */
  refusal: { readonly status: number } | { readonly trouble: string } | null;
  /** Cuts the connections to a pod, as its end does. */
  cut(pod: string): void;
  stop(): Promise<void>;
}

/** Each channel begins with a message that holds the port and nothing else. */
const CHANNELS = { data: 0, trouble: 1 };
const PORT = 7070;

export async function startPodPorts(target: () => number, token: string): Promise<PodPorts> {
  const connections = new Set<{ readonly pod: string; readonly socket: Duplex }>();
  const server = createServer((request, response) => {
    const body = request.url?.endsWith('/token')
      ? { status: { token, expirationTimestamp: new Date(Date.now() + 3_600_000) } }
      : { kind: 'PodList', items: [...ports.pods].map(([name, ready]) => podOf(name, ready)) };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    const pod = /\/pods\/([^/]+)\/portforward/.exec(request.url ?? '')?.[1] ?? '';
    const { refusal } = ports;
    if (refusal !== null && 'status' in refusal)
      return void socket.end(`HTTP/1.1 ${refusal.status} Refused\r\ncontent-length: 0\r\n\r\n`);
    ports.reached.push(pod);
    const connection = { pod, socket };
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
    accept(request, socket);
    forward(socket, refusal, target());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  const folder = await mkdtemp(path.join(tmpdir(), 'assay-pod-ports-'));
  const ports: PodPorts = {
    kubeconfig: path.join(folder, 'kubeconfig'),
    pods: new Map(),
    reached: [],
    refusal: null,
    cut(pod) {
      for (const connection of connections) if (connection.pod === pod) connection.socket.destroy();
    },
    async stop() {
      for (const { socket } of connections) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
  const port = at !== null && typeof at === 'object' ? at.port : 0;
  const cluster = { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true };
  const config = {
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'team-a' } }],
    'current-context': 'x',
  };
  await writeFile(ports.kubeconfig, JSON.stringify(config));
  return ports;
}

function podOf(name: string, ready: boolean): object {
  const ports = [{ name: 'grpc', containerPort: PORT }];
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  return { metadata: { name }, spec: { containers: [{ name: 'main', ports }] }, status: { conditions } };
}

function forward(socket: Duplex, refusal: PodPorts['refusal'], port: number): void {
  const prefix = Buffer.alloc(2);
  prefix.writeUInt16LE(PORT);
  for (const channel of Object.values(CHANNELS)) socket.write(frame(channel, prefix));
  if (refusal !== null && 'trouble' in refusal)
    return void socket.write(frame(CHANNELS.trouble, Buffer.from(refusal.trouble)));
  const far: Socket = connect(port, '127.0.0.1');
  far.on('data', (data: Buffer) => socket.write(frame(CHANNELS.data, data)));
  far.on('close', () => socket.end());
  far.on('error', () => undefined);
  socket.on('error', () => undefined);
  socket.on('close', () => far.destroy());
  let rest = Buffer.alloc(0);
  socket.on('data', (data: Buffer) => {
    rest = Buffer.concat([rest, data]);
    for (let read = unframed(rest); read !== null; read = unframed(rest)) {
      rest = rest.subarray(read.end);
      if (read.opcode === 8) socket.end();
      else if (read.payload[0] === CHANNELS.data) far.write(read.payload.subarray(1));
    }
  });
}

/** The handshake of RFC 6455. */
function accept(request: IncomingMessage, socket: Duplex): void {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'upgrade: websocket',
    'connection: upgrade',
    'sec-websocket-protocol: v4.channel.k8s.io',
    `sec-websocket-accept: ${createHash('sha1').update(key).digest('base64')}`,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
}

/** One binary message: its channel, and what it carries. */
function frame(channel: number, data: Buffer): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt8(0x82, 0);
  head.writeUInt8(127, 1);
  head.writeBigUInt64BE(BigInt(data.length + 1), 2);
  return Buffer.concat([head, Buffer.from([channel]), data]);
}

/** The first whole message of a client, whose messages are masked; null when it is not whole yet. */
function unframed(data: Buffer): { opcode: number; payload: Buffer; end: number } | null {
  if (data.length < 2) return null;
  const short = data.readUInt8(1) & 0x7f;
  const mask = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (data.length < mask + 4) return null;
  const length =
    short === 127 ? Number(data.readBigUInt64BE(2)) : short === 126 ? data.readUInt16BE(2) : short;
  const end = mask + 4 + length;
  if (data.length < end) return null;
  const payload = Buffer.from(data.subarray(mask + 4, end));
  for (const [i, byte] of payload.entries()) payload[i] = byte ^ data.readUInt8(mask + (i % 4));
  return { opcode: data.readUInt8(0) & 0x0f, payload, end };
}
