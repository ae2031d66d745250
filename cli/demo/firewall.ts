/**
 * The nodes' firewall: stateful and closed. Only whole connections pass, so a node that takes
 * over without the flows' state loses them: this is what makes the lab a test of replication.
 */

/** TCP port of the replication streams on the sync network. */
export const replicationPort = 9478;

/** An nft ruleset. Heartbeats need no rule: they pass below netfilter. */
export const nodeFirewall = `
table inet firewall {
  # With the kernel module, what is for the first share's addresses comes in by its cluster device.
  set inner {
    type ifname
    elements = { "inside", "cluster0" }
  }
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state invalid counter drop
    ct state established,related accept
    icmp type echo-request accept
    icmpv6 type { echo-request, nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query } accept
    iifname "sync" tcp dport ${replicationPort} ct state new accept
    counter
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state invalid counter drop
    ct state established,related accept
    iifname @inner oifname "outside" ct state new tcp flags & (fin|syn|rst|ack) == syn accept
    iifname @inner oifname "outside" ct state new meta l4proto { udp, icmp, ipv6-icmp } accept
    counter
  }
  chain output {
    type filter hook output priority filter; policy drop;
    oifname "lo" accept
    ct state invalid counter drop
    ct state established,related accept
    meta l4proto igmp accept
    icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld-listener-done, mld2-listener-report } accept
    oifname "sync" tcp dport ${replicationPort} ct state new accept
    counter
  }
}
`;
