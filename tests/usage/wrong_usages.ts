/**
 * Wrong usages: words, the exit code, and what has to stand on standard error, line by line as far as it is
 * the same on every machine. `{dir}` is a folder with the files of `files`.
 */
export type WrongUsage = readonly [
  words: readonly string[],
  code: number,
  says: string | readonly string[],
];

const config = (keyFile: string, share = "lo") =>
  `[cluster]
name = "edge"
key_file = "{dir}/${keyFile}"
[node]
name = "fw1"
[[share]]
interface = "${share}"
addresses = ["192.0.2.1/24"]
key = "pair"
[control]
socket = "{dir}/none.sock"
`;

const secret = (letter: string) => btoa(letter.repeat(32));
const keys = `seed ${secret("s")}\nkey 1 ${secret("k")}\n`;

/** Name, content, mode. */
export const files: readonly (readonly [name: string, content: string, mode?: number])[] = [
  ["good.key", keys, 0o600],
  ["open.key", keys, 0o644],
  ["short.key", "key 1 abc\n", 0o600],
  ["good.toml", config("good.key")],
  ["nokey.toml", config("none.key")],
  ["open.toml", config("open.key")],
  ["short.toml", config("short.key")],
  ["noif.toml", config("good.key", "eth77")],
  ["broken.toml", "name = \n"],
  ["empty.toml", ""],
  ["plain.sock", "no socket"],
];

export const wrongUsages: readonly WrongUsage[] = [
  [["statsu"], 2, 'unknown command "statsu"; did you mean `status`?'],
  [["status", "--jsno"], 2, "unknown flag --jsno; did you mean --json?"],
  [["status", "--node"], 2, "--node needs a value"],
  [["status", "extra"], 2, '"extra" is one word too many; --help shows how'],
  [["status", "--interval", "0", "--watch"], 2, 'interval: "0": write seconds, 0.1 to 3600'],
  [["who", "10.0.0.1"], 2, "DST is missing; --help shows how"],
  [["who", "10.0.0.1", "banana"], 2, 'DST: "banana": this is no IPv4 or IPv6 address'],
  [
    ["who", "10.0.0.1", "192.0.2.1", "--proto", "tcpp"],
    2,
    'proto: "tcpp": a protocol (tcp, udp, icmp, …) is a whole number from 0 to 255',
  ],
  [
    ["who", "10.0.0.1", "192.0.2.1", "--sport", "70000"],
    2,
    'sport: "70000": a port is a whole number from 0 to 65535',
  ],
  [["who", "10.0.0.1:80 >"], 2, 'DST: "": this is no IPv4 or IPv6 address'],
  [
    ["who", "10.0.0.1:80 > 192.0.2.1:99999"],
    2,
    'DST: "192.0.2.1:99999": "99999" is no port; write its number, 0 to 65535',
  ],
  [["flows", "--bucket", "256"], 2, 'bucket: "256": a bucket is a whole number from 0 to 255'],
  [["flows", "--bucket", "x"], 2, 'bucket: "x": a bucket is a whole number from 0 to 255'],
  [
    ["flows", "--own", "--foreign"],
    2,
    "flows: --own and --foreign exclude each other; without them, both are listed",
  ],
  [
    ["config", "check", "{dir}/good.toml", "--config", "{dir}/good.toml"],
    2,
    "config check: FILE stands there twice, once with --config",
  ],
  [["drain", "--timeout", "-1"], 2, 'timeout: "-1": write seconds, 1 to 86400'],
  [["drain", "--timeout", "abc"], 2, 'timeout: "abc": write seconds, 1 to 86400'],
  [
    ["weight", "0"],
    2,
    'N: "0": a weight is a number from 0.001 to 1000 with three decimals at most',
  ],
  [
    ["weight", "abc"],
    2,
    'N: "abc": a weight is a number from 0.001 to 1000 with three decimals at most',
  ],
  [["weight", "1", "2"], 2, '"2" is one word too many; --help shows how'],
  [["plan", "--weight", "fw1"], 2, 'weight: "fw1": write it as fw1=2'],
  [
    ["plan", "--weight", "fw1=0"],
    2,
    'weight: "fw1=0": a weight is a number from 0.001 to 1000 with three decimals at most',
  ],
  [
    ["plan", "--without", "fw1", "--balance"],
    2,
    "plan: 2 changes at once; write one of --without NAME, --weight NAME=N, --balance",
  ],
  [["key", "use", "x"], 2, 'ID: "x": a key\'s id is a whole number from 0 to 255'],
  [["key", "drop", "300"], 2, 'ID: "300": a key\'s id is a whole number from 0 to 255'],
  [["key", "rotate", "extra"], 2, '"extra" is one word too many; --help shows how'],
  [
    ["run", "--config", "{dir}/missing.toml"],
    2,
    "{dir}/missing.toml: there is no such file; write one, or name it with --config",
  ],
  [
    ["run", "--config", "{dir}"],
    2,
    "{dir}: is a folder; name a file",
  ],
  [
    ["run", "--config", "{dir}/broken.toml"],
    2,
    '{dir}/broken.toml:1: column 8: invalid value: name =; write [table] or key = value, with text and durations in quotes ("100ms")',
  ],
  [["run", "--config", "{dir}/empty.toml"], 2, [
    '{dir}/empty.toml: cluster.name: is missing; add name = "edge"',
    "{dir}/empty.toml: share: is missing; add a [[share]] with its interface and addresses",
    "{dir}/empty.toml: cluster.key_file: /etc/avail/cluster.key: there is no such file; make one, or copy the cluster's from another node",
  ]],
  [
    ["run", "--config", "{dir}/nokey.toml"],
    2,
    "{dir}/nokey.toml:3: cluster.key_file: {dir}/none.key: there is no such file; make one, or copy the cluster's from another node",
  ],
  [
    ["run", "--config", "{dir}/open.toml"],
    2,
    "{dir}/open.toml:3: cluster.key_file: {dir}/open.key: has mode 0644; run: chmod 0600 {dir}/open.key",
  ],
  [
    ["run", "--config", "{dir}/short.toml"],
    2,
    "{dir}/short.toml:3: cluster.key_file: {dir}/short.key: line 1: 2 bytes; a secret has 32",
  ],
  [
    ["run", "--config", "{dir}/noif.toml"],
    2,
    '{dir}/noif.toml:7: share[0].interface: "eth77": there is no such interface',
  ],
  [["run", "extra"], 2, '"extra" is one word too many; --help shows how'],
  [
    ["status", "--config", "{dir}/good.toml"],
    3,
    "avail is not running: nobody listens on {dir}/none.sock; start it with `avail run`, or name its socket with --socket",
  ],
  [
    ["status", "--socket", "{dir}/none.sock"],
    3,
    "avail is not running: nobody listens on {dir}/none.sock; start it with `avail run`, or name its socket with --socket",
  ],
  [
    ["status", "--socket", "{dir}/plain.sock"],
    2,
    "{dir}/plain.sock: is no socket; name the daemon's, or its configuration, with --socket or",
  ],
  [
    ["status", "--socket", "{dir}/root"],
    2,
    "{dir}/root: is no socket; name the daemon's, or its configuration, with --socket or",
  ],
  [
    ["status", "--config", "{dir}/missing.toml"],
    2,
    "{dir}/missing.toml: there is no such file; write one, or name it with --config",
  ],
  [["kmod", "bild"], 2, 'unknown command "bild"; did you mean `build`?'],
  [["kmod", "build", "--kernel", "1.2.3"], 1, "build clusterdev for Linux 1.2.3:"],
  [["demo", "--nodes", "1"], 2, 'nodes: "1": a number of nodes is a whole number from 3 to 9'],
  [
    ["demo", "--connections", "x"],
    2,
    'connections: "x": a number of connections is a whole number from 1 to 2000',
  ],
  [
    ["completions", "tcsh"],
    2,
    'bash|zsh|fish: "tcsh": there are completions for bash, zsh and fish',
  ],
  [["completions"], 2, "bash|zsh|fish is missing; --help shows how"],
  [
    ["install", "--to", "relative"],
    2,
    'to: "relative": name it by its whole path, such as /usr/local/sbin',
  ],
  [
    ["install", "--root", "{dir}/missing", "--dry-run"],
    2,
    'root: "{dir}/missing": there is no such folder',
  ],
  [["uninstall", "--root", "{dir}/missing"], 2, 'root: "{dir}/missing": there is no such folder'],
  [["uninstall", "--root", "relative"], 2, 'root: "relative": there is no such folder'],
  [["init"], 2, [
    "--share: is missing; name an interface and its shared addresses: --share eth0=192.0.2.1/24",
    "--cluster: is missing; name the cluster: --cluster edge",
  ]],
  [["init", "--cluster", "a.b", "--share", "lo=192.0.2.1/24", "--dry-run"], 2, [
    '--cluster: "a.b" is no name; write letters, digits and inner hyphens, 63 at most',
    '--share lo: "lo" is no Ethernet interface',
  ]],
  [["init", "--cluster", "edge", "--share", "lo=192.0.2.999/24", "--dry-run"], 2, [
    '--share lo: "192.0.2.999/24" is no address with prefix; write an address and its prefix length, such as "192.0.2.1/24" or "2001:db8::1/64"',
    '--share lo: "lo" is no Ethernet interface',
  ]],
  [
    ["init", "--cluster", "edge", "--share", "eth77=192.0.2.1/24", "--dry-run"],
    2,
    '--share eth77: "eth77": there is no such interface',
  ],
  [
    ["init", "--cluster", "edge", "--share", "lo", "--dry-run"],
    2,
    'share: "lo": write the interface, = and its shared addresses, such as eth0=192.0.2.1/24,key=pair',
  ],
  [
    ["join"],
    2,
    "join: TOKEN is missing; on a node of the cluster, `avail token` prints the whole line",
  ],
  [
    ["join", "avail1.abc"],
    2,
    "join: the token: it is damaged or cut off (10 characters came); copy it again, whole, in one line",
  ],
  [
    ["join", "banana"],
    2,
    "join: the token: it does not begin with avail1.; paste what `avail token` printed",
  ],
  [
    ["join", "--token-file", "{dir}/missing"],
    2,
    "join: --token-file {dir}/missing: there is no such file",
  ],
  [
    ["token", "--expires", "0"],
    2,
    'expires: "0": write minutes, hours or days, such as 30m, 1h or 2d; 7d at most',
  ],
  [
    ["token", "--uses", "0"],
    2,
    "/etc/avail/avail.toml: there is no such file; write one, or name it with --config",
  ],
  [
    ["token", "--revoke", "nothing", "--config", "{dir}/good.toml"],
    2,
    'revoke: "nothing": write an id as `avail token --list` shows it, or all',
  ],
  [["config", "shwo"], 2, 'unknown command "shwo"; did you mean `show`?'],
  [
    ["config", "check", "{dir}/missing.toml"],
    2,
    "{dir}/missing.toml: there is no such file; write one, or name it with --config",
  ],
  [
    ["config", "check", "{dir}/broken.toml"],
    2,
    '{dir}/broken.toml:1: column 8: invalid value: name =; write [table] or key = value, with text and durations in quotes ("100ms")',
  ],
  [
    ["config", "check", "{dir}/noif.toml"],
    2,
    '{dir}/noif.toml:7: share[0].interface: "eth77": there is no such interface',
  ],
  [["config", "show", "--config", "{dir}/empty.toml"], 2, [
    '{dir}/empty.toml: cluster.name: is missing; add name = "edge"',
    "{dir}/empty.toml: share: is missing; add a [[share]] with its interface and addresses",
  ]],
  [
    ["doctor", "nosuchcheck"],
    2,
    'CHECK: there is no check "nosuchcheck"; avail doctor --list shows all',
  ],
  [["doctor", "--persist"], 2, "--persist goes with --fix: without, nothing is changed"],
  [
    ["doctor", "--config", "{dir}/missing.toml"],
    2,
    "{dir}/missing.toml: there is no such file; write one, or name it with --config",
  ],
  [
    ["report", "-o", "{dir}/missing/report.tar.gz", "--config", "{dir}/good.toml"],
    2,
    "report: {dir}/missing/report.tar.gz: there is no such folder; name another file with --output",
  ],
  [
    ["report", "-o", "{dir}", "--config", "{dir}/good.toml"],
    2,
    "report: {dir}: is a folder; name another file with --output",
  ],
  [["events", "--level", "loud"], 2, 'level: "loud": levels are debug, info, warn, error'],
  [
    ["events", "--since", "yesterday"],
    2,
    'since: "yesterday": write so long ago (10m, 2h, 3d), a time (14:30) or a day (2026-01-31 14:30)',
  ],
  [
    ["events", "--lines", "-1"],
    2,
    'lines: "-1": a number of lines is a whole number from 0 to 1000',
  ],
  [
    ["events", "--follow", "--lines", "x"],
    2,
    'lines: "x": a number of lines is a whole number from 0 to 1000',
  ],
  [
    ["reload", "--node", "fw2", "--cluster"],
    2,
    "reload: --cluster means all nodes; leave --node out",
  ],
  [
    ["reload", "--config", "{dir}/good.toml"],
    3,
    "avail is not running: nobody listens on {dir}/none.sock; start it with `avail run`, or name its socket with --socket",
  ],
  [
    ["version", "--verify"],
    2,
    "version --verify: this program runs from its source; only the built file has sums in it",
  ],
  [["version", "extra"], 2, '"extra" is one word too many; --help shows how'],
  [
    ["resume", "--node", "fw9", "--config", "{dir}/good.toml"],
    3,
    "avail is not running: nobody listens on {dir}/none.sock; start it with `avail run`, or name its socket with --socket",
  ],
];
