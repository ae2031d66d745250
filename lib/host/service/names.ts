/** What the service is called, and where each service manager looks for it; paths inside a system's root. */

export const serviceName = "avail";

export const unitFile = "/etc/systemd/system/avail.service";
/** OpenRC's and SysV's: the same place, whichever of them a system has. */
export const scriptFile = "/etc/init.d/avail";
/** Of the SysV script: the daemon's process, and what it logs. */
export const pidFile = "/run/avail/avail.pid";
export const logFile = "/var/log/avail.log";

/** Links that start the service at boot: what stands for them, and what they name. */
export const bootLinks = {
  systemd: [["/etc/systemd/system/multi-user.target.wants/avail.service", unitFile]],
  openrc: [["/etc/runlevels/default/avail", scriptFile]],
  // Behind the network (01 to 19 by all usual scripts); stopped before anything else.
  sysv: [
    ...[2, 3, 4, 5].map((level) => [`/etc/rc${level}.d/S20avail`, "../init.d/avail"] as const),
    ...[0, 1, 6].map((level) => [`/etc/rc${level}.d/K01avail`, "../init.d/avail"] as const),
  ],
  none: [],
} as const satisfies Record<string, readonly (readonly [link: string, target: string])[]>;
