/** The broker's configuration on a laptop: loopback only, a token, JetStream on disk, everything that arrives kept small. */
export function natsConfig(options: {
  readonly port: number;
  readonly token: string;
  readonly store: string;
  readonly storeBytes: number;
}): string {
  return `host: "127.0.0.1"
port: ${options.port}
server_name: "assay-local"
max_payload: 1MB
write_deadline: "10s"
authorization { token: ${JSON.stringify(options.token)} }
jetstream {
  store_dir: ${JSON.stringify(options.store)}
  max_file_store: ${options.storeBytes}
  max_memory_store: 67108864
}
`;
}
