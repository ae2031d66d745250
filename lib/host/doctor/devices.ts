/** Devices of the kernel module on this machine's shares. */
import type { Setup } from "../../doctor/setup.ts";
import { RouteSocket } from "../route_socket.ts";

/** In the order of the shares; empty where the module is not in use. */
export function clusterDeviceNames({ config }: Setup): string[] {
  if (config === null) return [];
  using route = new RouteSocket();
  const links = route.links();
  const devices = links.filter(({ kind }) => kind === "clusterdev");
  return config.shares.flatMap((share) => {
    const lower = links.find(({ name }) => name === share.interface)?.index;
    const device = devices.find((each) => each.lower === lower);
    return device === undefined ? [] : [device.name];
  });
}
