/** Every bound of the program, with its reason. */

/** Members of one cluster: their heartbeat's peer list fits one Ethernet frame. */
export const membersMax = 32;

export const sharesMax = 16;
/** Each has a program or a connection under way at any time. */
export const checksMax = 16;
/** A check faster than that would be the load that it looks for. */
export const checkIntervalMsMin = 100;
export const checkIntervalMsMax = 3_600_000;
export const checkStreakMax = 1000;
export const linksMax = 8;

/** A name is a DNS label: letters, digits, hyphens. */
export const nameBytesMax = 63;

/** Fastest detection: below it, scheduling noise of a loaded machine exceeds the interval. */
export const intervalMsMin = 10;
export const intervalMsMax = 10_000;
export const multiplierMin = 2;
export const multiplierMax = 20;

/** How long a planned move may wait for open connections; by default where services run here. */
export const drainTimeoutMsMax = 3_600_000;

/** Half-life of the penalty for failures (membership/damping.ts). */
export const dampingMsMin = 1000;
export const dampingMsMax = 3_600_000;
export const serviceDrainTimeoutMs = 30_000;

/** A datagram of ours fits an Ethernet frame of 1500 bytes beside IPv4 (20) and UDP (8). */
export const datagramBytesMax = 1472;

/** Weights travel in thousandths; below a hundredth a member would own no bucket beside any other. */
export const weightMin = 0.01;
export const weightMax = 1000;
/** What `avail weight` takes: any nonzero number of thousandths, also to take a node out bit by bit. */
export const operatorWeightMin = 0.001;
export const operatorWeightMax = weightMax;

/** Shared addresses of one share: one answers for an interface, not for a provider's whole range. */
export const shareAddressesMax = 16;

/** A Unix socket's path fits sun_path (108 bytes with its zero, linux/un.h). */
export const socketPathBytesMax = 107;

/** A request on the control socket is a few words; a reply holds 256 lists of names at most. */
export const controlRequestBytesMax = 4096;
export const controlReplyBytesMax = 4 << 20;
/** People and scripts, not a service: more at once are a mistake somewhere. */
export const controlConnectionsMax = 32;

/** What `avail events` can tell: a bad night's worth; some half a megabyte. */
export const eventsKeptMax = 1000;
/** Of one event, so that no text of a peer or a kernel fills the ring. */
export const eventTextMax = 500;
export const eventFieldsMax = 32;
/** Beside what wraps it, less than what travels to another node (wire/forward.ts). */
export const eventsAnswerBytesMax = 60_000;

/** Prometheus asks for a line and some headers; whoever sends more is somebody else. */
export const metricsRequestBytesMax = 8192;
/** Two Prometheus servers, a curl, and room to spare. */
export const metricsConnectionsMax = 16;
/** A scrape that has not got its answer by then has given up, too (its default is 10 s). */
export const metricsConnectionMsMax = 10_000;
/** The page is made anew at most so often, however many ask. */
export const metricsPageMsMin = 1000;
