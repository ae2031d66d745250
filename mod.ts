/**
 * What other programs may build on: the configuration, the shapes of the control socket, and the
 * function that decides which node handles a packet.
 *
 * @module
 */
export type {
  AddressPrefix,
  CheckConfig,
  CheckProbe,
  Config,
  KeyKind,
  LinkConfig,
  ShareConfig,
} from "./lib/config.ts";
export { type ConfigSource, type ReadConfig, readConfig } from "./lib/config_file.ts";
export type {
  ControlReply,
  ControlRequest,
  MemberStatus,
  NodeState,
  Planning,
  Status,
  Who,
} from "./lib/control.ts";
export { AvailError, ConfigError, type ExitCode, exitCodes, type Fault } from "./lib/errors.ts";
export type { Events, EventsQuery, NodeEvent } from "./lib/events/event.ts";
export { FlowBuckets, type FlowQuery } from "./lib/ownership/flow_bucket.ts";
export { version } from "./lib/version.ts";
export { bucketSeed, type KeyRing, parseKeyFile } from "./lib/wire/keys.ts";
