/**
 * Faulty configurations and every fault that each of them has. A text is complete, or a `change` of
 * the sound one: [what is there, what is written instead].
 */

export const sound = `[cluster]
name = "edge"
key_file = "/etc/avail/cluster.key"

[node]
name = "fw1"

[[link]]
interface = "eth2"
address = "10.0.0.1"

[[share]]
interface = "eth0"
addresses = ["192.0.2.1/24", "2001:db8::1/64"]
key = "pair"

[[share]]
interface = "eth1"
addresses = [
  "198.51.100.1/24",
  "fe80::1/64",
]
key = "pair"
`;

export interface FaultyCase {
  readonly name: string;
  readonly text?: string;
  readonly change?: readonly (readonly [from: string, to: string])[];
  /** `line: where: problem; remedy` */
  readonly faults: readonly string[];
}

const base = (extra: string): string =>
  `${extra}\n[cluster]\nname = "edge"\n[[share]]\ninterface = "eth0"\naddresses = ["192.0.2.1/24"]\n`;
const append = (extra: string): string => sound + extra;

export const faultyCases: readonly FaultyCase[] = [
  // ---- no TOML at all
  {
    name: "unquoted duration",
    text: "[detection]\ninterval = 100ms\n",
    faults: [
      '2: column 15: illegal character in numeric literal: interval = 100ms; write [table] or key = value, with text and durations in quotes ("100ms")',
    ],
  },
  {
    name: "unclosed string",
    text: '[cluster]\nname = "edge\n',
    faults: [
      '2: column 13: control characters are not allowed in strings: name = "edge; write [table] or key = value, with text and durations in quotes ("100ms")',
    ],
  },
  {
    name: "key twice",
    text: '[node]\nname = "a"\nname = "b"\n',
    faults: [
      '3: column 1: trying to redefine an already defined table or value: name = "b"; keep one of the two',
    ],
  },
  {
    name: "table twice",
    change: [["[node]", "[cluster]"]],
    faults: [
      "5: column 2: trying to redefine an already defined table or value: [cluster]; keep one of the two",
    ],
  },
  {
    name: "no value",
    text: "[node]\nweight =\n",
    faults: [
      '2: column 9: invalid value: weight =; write [table] or key = value, with text and durations in quotes ("100ms")',
    ],
  },

  // ---- what must be there
  {
    name: "empty file",
    text: "",
    faults: [
      '0: cluster.name: is missing; add name = "edge"',
      "0: share: is missing; add a [[share]] with its interface and addresses",
    ],
  },
  {
    name: "cluster without name",
    change: [['name = "edge"\n', ""]],
    faults: ['1: cluster.name: is missing; add name = "edge"'],
  },
  {
    name: "share without anything",
    change: [],
    text: '[cluster]\nname = "a"\n[[share]]\n',
    faults: [
      '3: share[0].interface: is missing; add interface = "eth0"',
      '3: share[0].addresses: is missing; add addresses = ["192.0.2.1/24"]',
    ],
  },
  {
    name: "empty share list",
    text: 'share = []\n[cluster]\nname = "a"\n',
    faults: ["1: share: is an empty list; add a [[share]] with its interface and addresses"],
  },

  // ---- words that nobody knows
  {
    name: "misspelt key",
    change: [["key_file", "keyfile"]],
    faults: ['3: cluster.keyfile: unknown key; did you mean "key_file"?'],
  },
  {
    name: "misspelt table",
    text: append("[detektion]\n"),
    faults: ['24: detektion: unknown key; did you mean "detection"?'],
  },
  {
    name: "key of another table",
    change: [['name = "fw1"', 'name = "fw1"\ninterval = "1s"']],
    faults: ["7: node.interval: unknown key; it belongs into [detection]"],
  },
  {
    name: "key at the top",
    text: base("weight = 2"),
    faults: ["1: weight: unknown key; it belongs into [node]"],
  },
  {
    name: "unheard-of key",
    change: [['key = "pair"', 'colour = "red"\nkey = "pair"']],
    faults: [
      "15: share[0].colour: unknown key; known here: interface, addresses, key, side, nat, mac",
    ],
  },
  {
    name: "a key that is a word of JavaScript",
    text: append("[constructor]\n__proto__ = 1\n"),
    faults: [
      "24: constructor: unknown key; known here: cluster, node, link, share, detection, replication, datapath, control, metrics, check",
    ],
  },

  // ---- kinds
  {
    name: "number for text",
    change: [['"edge"', "7"]],
    faults: ['2: cluster.name: 7 is a number; write text in quotes, such as "edge"'],
  },
  {
    name: "date for text",
    change: [['"edge"', "2024-01-01"]],
    faults: ['2: cluster.name: 2024-01-01 is a date or time; write text in quotes, such as "edge"'],
  },
  {
    name: "one table for many",
    change: [["[[link]]", "[link]"]],
    faults: ["8: link: is a table; write [[link]] with two brackets before each of them"],
  },
  {
    name: "many tables for one",
    change: [["[node]", "[[node]]"]],
    faults: ["5: node: is a list of tables; write [node] once, and its keys below it"],
  },
  {
    name: "value for table",
    text: base("detection = 3"),
    faults: ["1: detection: is a number; write [detection] once, and its keys below it"],
  },
  {
    name: "text for truth",
    change: [['key = "pair"', 'nat = "yes"\nkey = "pair"']],
    faults: ['15: share[0].nat: "yes" is text; write true or false, without quotes'],
  },
  {
    name: "text for number",
    text: append('[detection]\nmultiplier = "3"\n'),
    faults: ['25: detection.multiplier: "3" is text; write a whole number from 2 to 20'],
  },
  {
    name: "text for list",
    change: [['["192.0.2.1/24", "2001:db8::1/64"]', '"192.0.2.1/24"']],
    faults: ['14: share[0].addresses: is text; write a list, such as ["192.0.2.1/24"]'],
  },
  {
    name: "number in list",
    change: [['"198.51.100.1/24"', "24"]],
    faults: [
      '20: share[1].addresses[0]: 24 is no address with prefix; write an address and its prefix length, such as "192.0.2.1/24" or "2001:db8::1/64"',
    ],
  },
  {
    name: "empty list",
    change: [['["192.0.2.1/24", "2001:db8::1/64"]', "[]"]],
    faults: ['14: share[0].addresses: is an empty list; write a list, such as ["192.0.2.1/24"]'],
  },

  // ---- names and paths
  {
    name: "name with blank",
    change: [['"edge"', '"my edge"']],
    faults: [
      '2: cluster.name: "my edge" is no name; write letters, digits and inner hyphens, 63 at most',
    ],
  },
  {
    name: "name too long",
    change: [['"fw1"', `"${"f".repeat(64)}"`]],
    faults: [
      '6: node.name: "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff…" is no name; write letters, digits and inner hyphens, 63 at most',
    ],
  },
  {
    name: "relative key file",
    change: [["/etc/avail/", "./"]],
    faults: ['3: cluster.key_file: "./cluster.key" is no absolute path; begin it with /'],
  },
  {
    name: "relative socket",
    text: append('[control]\nsocket = "avail.sock"\n'),
    faults: ['25: control.socket: "avail.sock" is no absolute path; begin it with /'],
  },
  {
    name: "socket too long",
    text: append(`[control]\nsocket = "/${"s".repeat(107)}"\n`),
    faults: [
      '25: control.socket: "/sssssssssssssssssssssssssssssssssssssssssssssssssssssss…" is too long for a socket; keep 107 bytes at most',
    ],
  },
  {
    name: "interface too long",
    change: [['"eth2"', '"wan-to-the-provider"']],
    faults: [
      '9: link[0].interface: "wan-to-the-provider" is no interface name; write a name as `ip link` shows it, 15 characters at most',
    ],
  },
  {
    name: "empty interface",
    change: [['"eth2"', '""']],
    faults: [
      '9: link[0].interface: "" is no interface name; write a name as `ip link` shows it, 15 characters at most',
    ],
  },

  // ---- choices
  {
    name: "a majority of an unknown number",
    change: [["[node]", 'partition = "majority"\n[node]']],
    faults: [
      '5: cluster.partition: "majority" needs to know of how many nodes; add nodes = 3, or as many as there are, to [cluster]',
    ],
  },
  {
    name: "misspelt partition",
    change: [["[node]", 'partition = "majorty"\n[node]']],
    faults: ['5: cluster.partition: "majorty" is none of the choices; did you mean "majority"?'],
  },
  {
    name: "unknown key kind",
    change: [['8::1/64"]\nkey = "pair"', '8::1/64"]\nkey = "destination"']],
    faults: [
      '15: share[0].key: "destination" is none of the choices; write "source", "pair", "flow" or "inside"',
    ],
  },
  {
    name: "unknown backend",
    text: append('[datapath]\nbackend = "ebpf"\n'),
    faults: [
      '25: datapath.backend: "ebpf" is none of the choices; write "auto", "clusterdev", "xdp" or "clusterip"',
    ],
  },
  {
    name: "clusterip for a router",
    text: `[cluster]
name = "edge"
[[share]]
interface = "eth0"
addresses = ["192.0.2.1/24", "2001:db8::1/64"]
key = "pair"
nat = true
mac = "unicast"
[datapath]
backend = "clusterip"
`,
    faults: [
      '0: replication.backups: 1 beside backend = "clusterip"; whole slots have heirs among all nodes: write backups = "all" into [replication]',
      '5: share[0].addresses[1]: 2001:db8::1 beside backend = "clusterip"; it steers IPv4 only: remove this address, or use another backend',
      '6: share[0].key: "pair" beside backend = "clusterip"; write key = "source"',
      '7: share[0].nat: true beside backend = "clusterip"; it serves, and does not route: remove it',
      '8: share[0].mac: "unicast" beside backend = "clusterip"; the rule has a group MAC: write "auto"',
    ],
  },

  // ---- numbers
  {
    name: "weight 0",
    change: [['name = "fw1"', 'name = "fw1"\nweight = 0']],
    faults: ["7: node.weight: 0 is out of range; write a number from 0.01 to 1000"],
  },
  {
    name: "drain_timeout without a unit",
    change: [['name = "fw1"', 'name = "fw1"\ndrain_timeout = "30"']],
    faults: [
      '7: node.drain_timeout: "30" is no duration; write a number with its unit, such as "30s"',
    ],
  },
  {
    name: "drain_timeout of two hours",
    change: [['name = "fw1"', 'name = "fw1"\ndrain_timeout = "7200s"']],
    faults: ['7: node.drain_timeout: "7200s" is out of range; write "0s" to "3600s"'],
  },
  {
    name: "weight infinite",
    change: [['name = "fw1"', 'name = "fw1"\nweight = inf']],
    faults: ["7: node.weight: Infinity is out of range; write a number from 0.01 to 1000"],
  },
  {
    name: "weight not a number",
    change: [['name = "fw1"', 'name = "fw1"\nweight = nan']],
    faults: ["7: node.weight: NaN is out of range; write a number from 0.01 to 1000"],
  },
  {
    name: "duration without unit",
    text: append("[detection]\ninterval = 100\n"),
    faults: ['25: detection.interval: 100 is a number; write text in quotes, such as "100ms"'],
  },
  {
    name: "duration with strange unit",
    text: append('[detection]\ninterval = "2min"\n'),
    faults: [
      '25: detection.interval: "2min" is no duration; write a number with its unit, such as "100ms"',
    ],
  },
  {
    name: "interval too short",
    text: append('[detection]\ninterval = "5ms"\n'),
    faults: ['25: detection.interval: "5ms" is out of range; write "10ms" to "10s"'],
  },
  {
    name: "interval too long",
    text: append('[detection]\ninterval = "11s"\n'),
    faults: ['25: detection.interval: "11s" is out of range; write "10ms" to "10s"'],
  },
  {
    name: "multiplier 1",
    text: append("[detection]\nmultiplier = 1\n"),
    faults: ["25: detection.multiplier: 1 is out of range; write a whole number from 2 to 20"],
  },
  {
    name: "damping without a unit",
    text: append('[detection]\ndamping = "yes"\n'),
    faults: ['25: detection.damping: "yes" is no duration; write a time such as "30s", or "off"'],
  },
  {
    name: "damping for a moment",
    text: append('[detection]\ndamping = "20ms"\n'),
    faults: ['25: detection.damping: "20ms" is out of range; write "1s" to "3600s", or "off"'],
  },
  {
    name: "half a multiplier",
    text: append("[detection]\nmultiplier = 2.5\n"),
    faults: ["25: detection.multiplier: 2.5 is out of range; write a whole number from 2 to 20"],
  },
  {
    name: "no backups",
    text: append("[replication]\nbackups = 0\n"),
    faults: [
      '25: replication.backups: 0 is out of range; write a whole number from 1 to 31, or "all"',
    ],
  },
  {
    name: "backups in words",
    text: append('[replication]\nbackups = "two"\n'),
    faults: ['25: replication.backups: "two" is text; write a whole number from 1 to 31, or "all"'],
  },
  {
    name: "port out of range",
    text: append("[replication]\nport = 70000\n"),
    faults: ["25: replication.port: 70000 is out of range; write a whole number from 1 to 65535"],
  },
  {
    name: "mark mask too narrow",
    text: append("[datapath]\nmark_mask = 0xff\n"),
    faults: [
      "25: datapath.mark_mask: 0xff is not nine neighbouring bits; write nine bits in a row that nothing else uses, such as 0x1ff00000",
    ],
  },
  {
    name: "mark mask with a hole",
    text: append("[datapath]\nmark_mask = 0x2ff00000\n"),
    faults: [
      "25: datapath.mark_mask: 0x2ff00000 is not nine neighbouring bits; write nine bits in a row that nothing else uses, such as 0x1ff00000",
    ],
  },
  {
    name: "metrics without port",
    text: append('[metrics]\nlisten = "127.0.0.1"\n'),
    faults: [
      '25: metrics.listen: "127.0.0.1" is no address with port; write "127.0.0.1:9477", "[::1]:9477" or "off"',
    ],
  },
  {
    name: "metrics on a name",
    text: append('[metrics]\nlisten = "localhost:9477"\n'),
    faults: [
      '25: metrics.listen: "localhost:9477" is no address with port; write "127.0.0.1:9477", "[::1]:9477" or "off"',
    ],
  },

  // ---- addresses
  {
    name: "no prefix length",
    change: [["192.0.2.1/24", "192.0.2.1"]],
    faults: [
      '14: share[0].addresses[0]: "192.0.2.1" has no prefix length; write "192.0.2.1/24", with the length of its network',
    ],
  },
  {
    name: "IPv6 without prefix length",
    change: [["2001:db8::1/64", "2001:db8::1"]],
    faults: [
      '14: share[0].addresses[1]: "2001:db8::1" has no prefix length; write "2001:db8::1/64", with the length of its network',
    ],
  },
  {
    name: "prefix length too long",
    change: [["192.0.2.1/24", "192.0.2.1/33"]],
    faults: [
      '14: share[0].addresses[0]: "192.0.2.1/33" is no address with prefix; write an address and its prefix length, such as "192.0.2.1/24" or "2001:db8::1/64"',
    ],
  },
  {
    name: "no address",
    change: [["192.0.2.1/24", "192.0.2.256/24"]],
    faults: [
      '14: share[0].addresses[0]: "192.0.2.256/24" is no address with prefix; write an address and its prefix length, such as "192.0.2.1/24" or "2001:db8::1/64"',
    ],
  },
  {
    name: "multicast",
    change: [["192.0.2.1/24", "239.1.1.1/24"]],
    faults: [
      '14: share[0].addresses[0]: "239.1.1.1/24" is a multicast address; write an address that a host can have',
    ],
  },
  {
    name: "loopback",
    change: [["192.0.2.1/24", "127.0.0.1/8"]],
    faults: [
      '14: share[0].addresses[0]: "127.0.0.1/8" is a loopback address; write an address that a host can have',
    ],
  },
  {
    name: "any",
    change: [["2001:db8::1/64", "::/0"]],
    faults: [
      '14: share[0].addresses[1]: "::/0" stands for no address; write an address that a host can have',
    ],
  },
  {
    name: "IPv4 in IPv6",
    change: [["2001:db8::1/64", "::ffff:192.0.2.9/96"]],
    faults: [
      '14: share[0].addresses[1]: "::ffff:192.0.2.9/96" is an IPv4 address in IPv6 clothes; write an address that a host can have',
    ],
  },
  {
    name: "network",
    change: [["192.0.2.1/24", "192.0.2.0/24"]],
    faults: [
      '14: share[0].addresses[0]: "192.0.2.0/24" is the address of the network itself; write an address that a host can have',
    ],
  },
  {
    name: "broadcast",
    change: [["192.0.2.1/24", "192.0.2.255/24"]],
    faults: [
      '14: share[0].addresses[0]: "192.0.2.255/24" is the broadcast address of its network; write an address that a host can have',
    ],
  },
  {
    name: "too many",
    change: [[
      '["192.0.2.1/24", "2001:db8::1/64"]',
      `[${Array.from({ length: 17 }, (_, i) => `"192.0.2.${i + 1}/24"`).join(", ")}]`,
    ]],
    faults: [
      '14: share[0].addresses[16]: "192.0.2.17/24" is number 17; keep 16 addresses at most in one share',
    ],
  },
  {
    name: "link address with prefix",
    change: [['"10.0.0.1"', '"10.0.0.1/24"']],
    faults: ['10: link[0].address: "10.0.0.1/24" has a prefix length; write "10.0.0.1"'],
  },
  {
    name: "link address is a name",
    change: [['"10.0.0.1"', '"fw1"']],
    faults: [
      '10: link[0].address: "fw1" is no address; write the node\'s own address, such as "10.0.0.1"',
    ],
  },

  // ---- MACs
  {
    name: "no MAC",
    change: [['key = "pair"', 'mac = "3:0:5e:0:0:1"\nkey = "pair"']],
    faults: [
      '15: share[0].mac: "3:0:5e:0:0:1" is no MAC; write "auto", "unicast" or a MAC such as "03:00:5e:00:00:01"',
    ],
  },
  {
    name: "broadcast MAC",
    change: [['key = "pair"', 'mac = "FF:ff:ff:ff:ff:ff"\nkey = "pair"']],
    faults: [
      '15: share[0].mac: "FF:ff:ff:ff:ff:ff" is the broadcast address; write another one, or "auto"',
    ],
  },
  {
    name: "bridges' MAC",
    change: [['key = "pair"', 'mac = "01:80:c2:00:00:02"\nkey = "pair"']],
    faults: [
      '15: share[0].mac: "01:80:c2:00:00:02" is reserved for bridges (IEEE 802.1D); write another one, or "auto"',
    ],
  },

  // ---- one against another
  {
    name: "interface in two shares",
    change: [['"eth1"', '"eth0"']],
    faults: [
      '18: share[1].interface: "eth0" is also share[0].interface (line 13); one share holds all addresses of an interface: put them together',
    ],
  },
  {
    name: "interface in two links",
    text: append('[[link]]\ninterface = "eth2"\n'),
    faults: [
      '25: link[1].interface: "eth2" is also link[0].interface (line 9); give each link an interface of its own, or remove this one',
    ],
  },
  {
    name: "address in two shares",
    change: [["198.51.100.1/24", "192.0.2.1/25"]],
    faults: [
      "20: share[1].addresses[0]: 192.0.2.1 is also share[0].addresses[0] (line 14); write it once",
    ],
  },
  {
    name: "address twice, written differently",
    change: [["192.0.2.1/24", "2001:DB8:0::0:1/64"]],
    faults: [
      "14: share[0].addresses[1]: 2001:db8::1 is also share[0].addresses[0] (line 14); write it once",
    ],
  },
  {
    name: "link-local twice in one share",
    change: [["198.51.100.1/24", "fe80:0::1/64"]],
    faults: [
      "21: share[1].addresses[1]: fe80::1 is also share[1].addresses[0] (line 20); write it once",
    ],
  },
  {
    name: "address twice behind a faulty one",
    change: [["198.51.100.1/24", "what"], ["fe80::1/64", "192.0.2.1/24"]],
    faults: [
      '20: share[1].addresses[0]: "what" is no address with prefix; write an address and its prefix length, such as "192.0.2.1/24" or "2001:db8::1/64"',
      "21: share[1].addresses[1]: 192.0.2.1 is also share[0].addresses[0] (line 14); write it once",
    ],
  },
  {
    name: "link with a share's address",
    change: [['"10.0.0.1"', '"192.0.2.1"']],
    faults: [
      "10: link[0].address: 192.0.2.1 is also share[0].addresses[0] (line 14); all nodes have a share's address; write one that is this node's alone",
    ],
  },
  {
    name: "two links with one address",
    text: append('[[link]]\ninterface = "eth3"\naddress = "10.0.0.1"\n'),
    faults: ["26: link[1].address: 10.0.0.1 is also link[0].address (line 10); write it once"],
  },
  {
    name: "two families of keys",
    change: [['8::1/64"]\nkey = "pair"', '8::1/64"]\nkey = "flow"']],
    faults: [
      '23: share[1].key: "pair" differs from "flow" of share[0].key (line 15); write "flow": both directions of a flow must have one owner',
    ],
  },
  {
    name: "inside without side",
    change: [['key = "pair"', 'key = "inside"']],
    faults: [
      '12: share[0].side: is missing beside key = "inside"; add side = "inside" where the inner hosts are, else side = "outside"',
      '23: share[1].key: "pair" differs from "inside" of share[0].key (line 15); write "inside": both directions of a flow must have one owner',
    ],
  },
  {
    name: "side without inside",
    change: [['8::1/64"]\nkey = "pair"', '8::1/64"]\nside = "inside"\nkey = "pair"']],
    faults: [
      '15: share[0].side: "inside" stands beside key = "pair"; remove it, or write key = "inside"',
    ],
  },
  {
    name: "NAT without IPv4",
    change: [['"192.0.2.1/24", ', ""], ['key = "pair"', 'nat = true\nkey = "pair"']],
    faults: [
      "15: share[0].nat: true on a share without an IPv4 address; add the IPv4 address that shall be the NAT address, or write nat = false",
    ],
  },
  {
    name: "NAT inside",
    change: [
      ['8::1/64"]\nkey = "pair"', '8::1/64"]\nkey = "inside"\nside = "inside"\nnat = true'],
      [']\nkey = "pair"', ']\nkey = "inside"\nside = "outside"'],
    ],
    faults: [
      '17: share[0].nat: true on side = "inside"; the NAT address belongs to the outside share: move it there',
    ],
  },
  {
    name: "nine links",
    text: append(Array.from({ length: 8 }, (_, i) => `[[link]]\ninterface = "l${i}"\n`).join("")),
    faults: ["38: link[8]: is number 9; keep 8 at most"],
  },

  // ---- checks
  {
    name: "check without anything",
    text: append("[[check]]\n"),
    faults: [
      '24: check[0].name: is missing; add name = "web"',
      '24: check[0]: has neither tcp nor http nor command; add what is to be checked, such as tcp = "127.0.0.1:80"',
    ],
  },
  {
    name: "check of two things",
    text: append('[[check]]\nname = "web"\ntcp = "h:80"\nhttp = "http://h/"\n'),
    faults: [
      "27: check[0].http: stands beside tcp; a check has one of tcp, http, command: write a [[check]] for each",
    ],
  },
  {
    name: "checks of one name",
    text: append(
      '[[check]]\nname = "web"\ntcp = "h:80"\n[[check]]\nname = "web"\ntcp = "h:81"\n',
    ),
    faults: [
      '28: check[1].name: "web" is also check[0].name (line 25); give each check a name of its own',
    ],
  },
  {
    name: "check of a port alone",
    text: append('[[check]]\nname = "web"\ntcp = "80"\n'),
    faults: [
      '26: check[0].tcp: "80" is no host with port; write "127.0.0.1:80", "[::1]:80" or "www.example.net:80"',
    ],
  },
  {
    name: "check of IPv6 without brackets",
    text: append('[[check]]\nname = "web"\ntcp = "::1:80"\n'),
    faults: [
      '26: check[0].tcp: "::1:80" is no host with port; write "127.0.0.1:80", "[::1]:80" or "www.example.net:80"',
    ],
  },
  {
    name: "check by HTTPS",
    text: append('[[check]]\nname = "web"\nhttp = "https://h/"\n'),
    faults: [
      '26: check[0].http: "https://h/" is HTTPS, which checks do not speak; write http://, or a command that does',
    ],
  },
  {
    name: "check by HTTP without scheme, and a status that is none",
    text: append('[[check]]\nname = "web"\nhttp = "h:80/"\nstatus = 2000\n'),
    faults: [
      '26: check[0].http: "h:80/" is no HTTP address; write "http://host:port/path"',
      "27: check[0].status: 2000 is out of range; write a whole number from 100 to 599",
    ],
  },
  {
    name: "check with a line break in its path",
    text: append('[[check]]\nname = "web"\nhttp = "http://h/a\\r\\nb"\n'),
    faults: [
      '26: check[0].http: "http://h/a\\r\\nb" is no HTTP address; write "http://host:port/path"',
    ],
  },
  {
    name: "status without http",
    text: append('[[check]]\nname = "web"\ntcp = "h:80"\nstatus = 200\n'),
    faults: ["27: check[0].status: 200 stands without http; remove it, or check with http"],
  },
  {
    name: "command for a shell",
    text: append('[[check]]\nname = "web"\ncommand = "pgrep nginx"\n'),
    faults: [
      '26: check[0].command: is text; write the program and its arguments, such as ["/usr/bin/pgrep", "-x", "nginx"]; no shell reads it',
    ],
  },
  {
    name: "command by name, with a number",
    text: append('[[check]]\nname = "web"\ncommand = ["pgrep", 1]\n'),
    faults: [
      '26: check[0].command[0]: "pgrep" is no absolute path; begin it with /',
      "26: check[0].command[1]: 1 is a number; write each word in quotes",
    ],
  },
  {
    name: "numbers of a check",
    text: append(
      '[[check]]\nname = "web"\ntcp = "h:80"\ninterval = "10ms"\ntimeout = "0.1"\nrise = 0\nfall = 1.5\nweight = 2\n',
    ),
    faults: [
      '27: check[0].interval: "10ms" is out of range; write "100ms" to "3600s"',
      '28: check[0].timeout: "0.1" is no duration; write a number with its unit, such as "500ms"',
      "29: check[0].rise: 0 is out of range; write a whole number from 1 to 1000",
      "30: check[0].fall: 1.5 is out of range; write a whole number from 1 to 1000",
      "31: check[0].weight: 2 is out of range; write a number from 0 to 1",
    ],
  },
  {
    name: "timeout longer than the interval",
    text: append('[[check]]\nname = "web"\ntcp = "h:80"\ntimeout = "2s"\n'),
    faults: [
      '27: check[0].timeout: 2s is longer than the interval of 1s; write "1s" at most, or a longer interval',
    ],
  },
  {
    name: "a check's key elsewhere, a strange one in a check",
    text: append('[[check]]\nname = "web"\ntcp = "h:80"\nport = 80\n[control]\nrise = 3\n'),
    faults: [
      "27: check[0].port: unknown key; it belongs into [replication]",
      "29: control.rise: unknown key; it belongs into [[check]]",
    ],
  },
  {
    name: "seventeen checks",
    text: append(
      Array.from({ length: 17 }, (_, i) => `[[check]]\nname = "c${i}"\ntcp = "h:80"\n`).join(""),
    ),
    faults: ["72: check[16]: is number 17; keep 16 at most"],
  },

  // ---- all at once
  {
    name: "everything",
    text: `# the worst file
"nod" = 1
cluster.nme = "edge" # dotted, and misspelt
[detection]
interval = """5 ms
"""
multiplier = 99
[[share]]
  interface = 'eth0' ; addresses = []
`.replace(" ; ", "\n  ") + `
  [share.colours]
[[share]]
interface = "eth0"
addresses = [ # a comment with ] and "
  '192.0.2.1/24', "192.0.2.1/24",
  { a = [1, 2] }, "bad"
]
key = "insid"
`,
    faults: [
      '2: nod: unknown key; did you mean "node"?',
      '3: cluster.name: is missing; add name = "edge"',
      '3: cluster.nme: unknown key; did you mean "name"?',
      '5: detection.interval: "5 ms\\n" is no duration; write a number with its unit, such as "100ms"',
      "7: detection.multiplier: 99 is out of range; write a whole number from 2 to 20",
      '10: share[0].addresses: is an empty list; write a list, such as ["192.0.2.1/24"]',
      "12: share[0].colours: unknown key; known here: interface, addresses, key, side, nat, mac",
      '14: share[1].interface: "eth0" is also share[0].interface (line 9); one share holds all addresses of an interface: put them together',
      "16: share[1].addresses[1]: 192.0.2.1 is also share[1].addresses[0] (line 16); write it once",
      '17: share[1].addresses[2]: {…} is no address with prefix; write an address and its prefix length, such as "192.0.2.1/24" or "2001:db8::1/64"',
      '17: share[1].addresses[3]: "bad" is no address with prefix; write an address and its prefix length, such as "192.0.2.1/24" or "2001:db8::1/64"',
      '19: share[1].key: "insid" is none of the choices; did you mean "inside"?',
    ],
  },
];
