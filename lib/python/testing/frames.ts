import type { Hello } from '../frames.ts';

/** What a zygote says when it is ready. */
export function helloFrame(given: Partial<Hello> = {}): Buffer {
  const hello: Hello = { python: '3', landlock: 7, seccomp: true, namespaces: [], uid: 1, ...given };
  const body = Buffer.from(JSON.stringify(hello));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(1, 0);
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}

/** A run without a judge that its wall limit ended; the parts are its outputs, its ending and its verdict. */
export function doneFrame(id: number, parts: readonly string[]): Buffer {
  const bodies = parts.map((part) => Buffer.from(part));
  const header = Buffer.alloc(60);
  header.writeUInt32LE(2, 0);
  header.writeUInt32LE(id, 4);
  header.writeInt32LE(256, 8);
  header.writeInt32LE(-1, 12);
  header.writeUInt32LE(1, 16);
  header.writeBigUInt64LE(1_500n, 20);
  bodies.forEach((body, n) => header.writeUInt32LE(body.length, 44 + n * 4));
  return Buffer.concat([header, ...bodies]);
}
