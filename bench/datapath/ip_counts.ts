/** What the kernel counted of IP packets in a network namespace. */
export interface IpCounts {
  readonly received: number;
  readonly delivered: number;
}

/** From the text of /proc/net/snmp: two lines begin with "Ip:", names, and values in their order. */
export function readIp4Counts(snmp: string): IpCounts {
  const [names, values] = snmp.split("\n").filter((line) => line.startsWith("Ip:"))
    .map((line) => line.split(" "));
  const of = (name: string) => Number(values[names.indexOf(name)]);
  return { received: of("InReceives"), delivered: of("InDelivers") };
}

/** From the text of /proc/net/snmp6: a name and a value on each line. */
export function readIp6Counts(snmp6: string): IpCounts {
  const of = (name: string) => Number(new RegExp(`^${name}\\s+(\\d+)`, "m").exec(snmp6)?.[1]);
  return { received: of("Ip6InReceives"), delivered: of("Ip6InDelivers") };
}
