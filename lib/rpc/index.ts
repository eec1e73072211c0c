export {
  call,
  callStream,
  clientStreamCall,
  connectRpc,
  type CallSettings,
  type Connection,
} from './client.ts';
export { healthOf } from './health.ts';
export { clientStream, serverStream, unary, type CallContext } from './handlers.ts';
export { serveRpc, type RpcServer, type RpcService, type ServeRpc } from './serve.ts';
