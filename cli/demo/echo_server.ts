/** Echoes TCP and UDP on every address of this namespace. */
import { createSocket } from "node:dgram";
import { echoPort } from "./traffic_protocol.ts";

/** Resolves when the ports are bound; then serves until the process ends. */
export async function serveEchoes(): Promise<void> {
  const listener = Deno.listen({ hostname: "::", port: echoPort });
  acceptAll(listener);
  // A socket for each address: an answer has to come from where the question went.
  const addresses = Deno.networkInterfaces().map((each) => each.address);
  await Promise.all(addresses.filter((each) => !each.startsWith("fe80:")).map(echoUdp));
}

async function acceptAll(listener: Deno.Listener): Promise<void> {
  for await (const connection of listener) echoTcp(connection as Deno.TcpConn);
}

async function echoTcp(connection: Deno.TcpConn): Promise<void> {
  connection.setNoDelay(true);
  const buffer = new Uint8Array(65536);
  try {
    for (let n; (n = await connection.read(buffer)) !== null;) {
      for (let at = 0; at < n;) at += await connection.write(buffer.subarray(at, n));
    }
  } catch {
    // Reset by the client, or unreachable for too long: the client counts it.
  } finally {
    connection.close();
  }
}

function echoUdp(address: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.on("message", (datagram, from) => socket.send(datagram, from.port, from.address));
  socket.on("error", reject);
  socket.bind(echoPort, address, resolve);
  return promise;
}
