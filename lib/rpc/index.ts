export {
  digestOf,
  sharedToken,
  type Admission,
  type Authenticator,
  type Authorizer,
  type Identity,
  type Right,
} from './admission.ts';
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
