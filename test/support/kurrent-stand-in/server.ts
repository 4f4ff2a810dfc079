import gossipServices from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/gossip_grpc_pb.js';
import gossipMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/gossip_pb.js';
import type { ClusterInfo } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/gossip_pb.js';
import featureServices from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_grpc_pb.js';
import featureMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_pb.js';
import type { SupportedMethods } from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/serverfeatures_pb.js';
import sharedMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/shared_pb.js';
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
import { randomUUID } from 'node:crypto';
import { batchAppend, type Settings, softDelete } from './appends.js';
import { Memory } from './memory.js';
import { read, type Refusal } from './reads.js';

export interface StandIn {
  readonly port: number;
  /** Cuts it off from its cluster for good: clients still reach it, and are told that it is not ready. */
  cutOff(): void;
  close(): void;
}

/** Those of servers before 25.1. */
const defaults: Settings = { maxAppendSize: 1024 * 1024, maxAppendEventSize: Infinity, ahead: 0 };

/**
 * Speaks the protocol of an insecure KurrentDB 23.10 node, on the client's own service
 * definitions, and keeps events in memory. It shows that the adapter uses the real client rightly;
 * what it does not show stands in docs/decisions/kurrent.md.
 * @param leader by default the node itself. Where it is another one, this is a follower that lags for ever: it gets no
 *   event, and sends to the leader who asks for one
 */
export async function startStandIn({
  leader,
  ...settings
}: { leader?: Pick<StandIn, 'port'> } & Partial<Settings> = {}): Promise<StandIn> {
  const memory = new Memory();
  let isCutOff = false;
  const leading = (): number => leader?.port ?? port;
  const refusal = (): Refusal | undefined => {
    if (isCutOff) return notReady;
    return leading() === port ? undefined : notLeader(leading());
  };
  const server = new Server({
    'grpc.max_receive_message_length': 16 * 1024 * 1024 - 10_000,
    interceptors: [refusing(refusal)],
  });
  server.addService(streamServices.StreamsService, {
    batchAppend: batchAppend(memory, { ...defaults, ...settings }, () => isCutOff),
    delete: softDelete(memory),
    read: read(memory, refusal),
  });
  server.addService(featureServices.ServerFeaturesService, {
    getSupportedMethods,
  });
  server.addService(gossipServices.GossipService, {
    read: gossip(() => (isCutOff ? undefined : leading())),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  return {
    port,
    cutOff: () => {
      isCutOff = true;
    },
    close: () => {
      server.forceShutdown();
    },
  };
}

/** What a node answers that knows of no leader (RpcExceptions.cs). */
const notReady: Refusal = {
  code: status.UNAVAILABLE,
  details: 'Server Is Not Ready',
  metadata: new Metadata(),
};

const notLeader = (leader: number): Refusal => {
  const metadata = new Metadata();
  metadata.set('exception', 'not-leader');
  metadata.set('leader-endpoint-host', '127.0.0.1');
  metadata.set('leader-endpoint-port', String(leader));
  return { code: status.NOT_FOUND, details: 'Leader info available', metadata };
};

/**
 * Refuses every call that asks for the leader, but leaves it to reads themselves: some go by unnoticed. Over the call
 * of appends one who is not ready answers each of them (Streams.BatchAppend.cs).
 */
const refusing =
  (refusal: () => Refusal | undefined): ServerInterceptor =>
  (method, call) => {
    const listener = new ServerListenerBuilder().withOnReceiveMetadata((metadata, next) => {
      const refused = metadata.get('requires-leader').length > 0 ? refusal() : undefined;
      const { read, batchAppend } = streamServices.StreamsService;
      const answersItself =
        method.path === read.path || (method.path === batchAppend.path && refused === notReady);
      if (refused && !answersItself) call.sendStatus(refused);
      else next(metadata);
    });
    const responder = new ResponderBuilder().withStart((next) => {
      next(listener.build());
    });
    return new ServerInterceptingCall(call, responder.build());
  };

/** Tells who leads, and of no other node. */
const gossip =
  (leader: () => number | undefined): handleUnaryCall<unknown, ClusterInfo> =>
  (_call, callback) => {
    const cluster = new gossipMessages.ClusterInfo();
    const port = leader();
    if (port !== undefined) {
      const place = new gossipMessages.EndPoint().setAddress('127.0.0.1').setPort(port);
      const member = new gossipMessages.MemberInfo().setIsAlive(true).setHttpEndPoint(place);
      cluster.addMembers(
        member
          .setInstanceId(new sharedMessages.UUID().setString(randomUUID()))
          .setState(gossipMessages.MemberInfo.VNodeState.LEADER),
      );
    }
    callback(null, cluster);
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
