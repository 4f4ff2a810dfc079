import featureServices from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_grpc_pb.js';
import featureMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_pb.js';
import type { SupportedMethods } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_pb.js';
import streamServices from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_grpc_pb.js';
import {
  type handleUnaryCall,
  Metadata,
  ResponderBuilder,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  ServerListenerBuilder,
  status,
} from '@grpc/grpc-js';
import { batchAppend, type Settings, softDelete } from './appends.js';
import { Memory } from './memory.js';
import { read, type Refusal } from './reads.js';

export interface StandIn {
  readonly port: number;
  close(): void;
}

/** Those of servers before 25.1. */
const defaults: Settings = { maxAppendSize: 1024 * 1024, maxAppendEventSize: Infinity, ahead: 0 };

/**
 * Speaks the protocol of a single insecure KurrentDB 23.10 node, on the client's own service
 * definitions, and keeps events in memory. It shows that the adapter uses the real client rightly;
 * what it does not show stands in docs/decisions/kurrent.md.
 * @param leader makes it a follower that lags for ever: it has no event, and sends to the leader who asks for one
 */
export async function startStandIn({
  leader,
  ...settings
}: { leader?: Pick<StandIn, 'port'> } & Partial<Settings> = {}): Promise<StandIn> {
  const memory = new Memory();
  const refusal = leader && (() => notLeader(leader));
  const server = new Server({
    'grpc.max_receive_message_length': 16 * 1024 * 1024 - 10_000,
    interceptors: refusal === undefined ? [] : [refusing(refusal)],
  });
  server.addService(streamServices.StreamsService, {
    batchAppend: batchAppend(memory, { ...defaults, ...settings }),
    delete: softDelete(memory),
    read: read(memory, refusal),
  });
  server.addService(featureServices.ServerFeaturesService, {
    getSupportedMethods,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return {
    port,
    close: () => {
      server.forceShutdown();
    },
  };
}

const notLeader = (leader: Pick<StandIn, 'port'>): Refusal => {
  const metadata = new Metadata();
  metadata.set('exception', 'not-leader');
  metadata.set('leader-endpoint-host', '127.0.0.1');
  metadata.set('leader-endpoint-port', String(leader.port));
  return { code: status.NOT_FOUND, details: 'Leader info available', metadata };
};

/** Refuses every call that asks for the leader, but leaves it to reads themselves: some go by unnoticed. */
const refusing =
  (refusal: () => Refusal): ServerInterceptor =>
  (method, call) => {
    const listener = new ServerListenerBuilder().withOnReceiveMetadata((metadata, next) => {
      const asked = metadata.get('requires-leader').length > 0;
      if (asked && method.path !== streamServices.StreamsService.read.path) call.sendStatus(refusal());
      else next(metadata);
    });
    const responder = new ResponderBuilder().withStart((next) => {
      next(listener.build());
    });
    return new ServerInterceptingCall(call, responder.build());
  };

const getSupportedMethods: handleUnaryCall<unknown, SupportedMethods> = (_call, callback) => {
  const methods = ['batchappend', 'delete', 'read'].map((name) =>
    new featureMessages.SupportedMethod()
      .setServiceName('event_store.client.streams.streams')
      .setMethodName(name),
  );
  const features = new featureMessages.SupportedMethods();
  callback(null, features.setEventStoreServerVersion('23.10.0').setMethodsList(methods));
};
