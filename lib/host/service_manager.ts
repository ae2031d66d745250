/**
 * The service manager of this machine, and the service `avail` in its hands: start (until the daemon is
 * ready), stop (until its buckets are handed over), reload, at boot or not.
 *
 * ```ts
 * const manager = findServiceManager();
 * if (manager.kind !== "none" && !await manager.isRunning()) await manager.start();
 * ```
 */
import { AvailError } from "../errors.ts";
import { findTool, followTool, toolFolders } from "./kernel_module/tools.ts";
import { Tree } from "./kernel_module/tree.ts";
import {
  installedServiceManager,
  runningServiceManager,
  type ServiceManagerKind,
} from "./service/detect.ts";
import { bootLinks, logFile, scriptFile, serviceName, unitFile } from "./service/names.ts";
import { hasPlace, setLinks } from "./service/links.ts";

export type ServiceVerb = "start" | "stop" | "restart" | "reload" | "status" | "enable" | "disable";

/** What a program said, and how it ended; 127 where it cannot be started. */
export interface Said {
  readonly code: number;
  readonly lines: readonly string[];
}

/** How a service comes to be started at boot: by a command, or by links of ours. */
export interface BootStep {
  readonly action: "run" | "link" | "remove";
  /** The command, or the links in short. */
  readonly words: string;
  readonly links: readonly string[];
}

/** Runs a program, without a shell; a test has its own. */
export type Run = (argv: readonly string[]) => Promise<Said>;

/** The argv of each verb; the first word of a program's path is looked for where administrators' programs are. */
const commands: Readonly<
  Record<ServiceManagerKind, (verb: ServiceVerb) => readonly string[] | null>
> = {
  systemd: (verb) =>
    verb === "status"
      ? ["systemctl", "is-active", "--quiet", `${serviceName}.service`]
      : ["systemctl", verb, `${serviceName}.service`],
  openrc: (verb) =>
    verb === "enable"
      ? ["rc-update", "add", serviceName, "default"]
      : verb === "disable"
      ? ["rc-update", "delete", serviceName, "default"]
      : ["rc-service", serviceName, verb],
  sysv: (verb) => verb === "enable" || verb === "disable" ? null : [scriptFile, verb],
  none: () => null,
};

/** Where the daemon's own words are, as a command for people. */
const logCommands: Readonly<Record<ServiceManagerKind, string | null>> = {
  systemd: `journalctl -u ${serviceName} -n 30`,
  openrc: `tail -n 30 ${logFile}`,
  sysv: `tail -n 30 ${logFile}`,
  none: null,
};

/**
 * The service manager of the system under `root`: of the running one, what is at work; of another one,
 * what it will be booted with.
 */
export function findServiceManager(root = "/", run: Run = runProgram): ServiceManager {
  const tree = new Tree(root);
  const kind = tree.root === "" ? runningServiceManager(tree) : installedServiceManager(tree);
  return new ServiceManager(kind, tree, run);
}

export class ServiceManager {
  readonly #tree: Tree;
  readonly #run: Run;

  constructor(readonly kind: ServiceManagerKind, tree: Tree, run: Run = runProgram) {
    this.#tree = tree;
    this.#run = run;
  }

  /** The command that does it, for people to read and type; null where there is none. */
  commandFor(verb: ServiceVerb): string | null {
    const argv = commands[this.kind](verb);
    if (argv === null) return null;
    if (verb === "status" && this.kind === "systemd") return `systemctl status ${serviceName}`;
    return argv.join(" ").replace(".service", "");
  }

  /** The command that shows the daemon's log; null where nobody keeps one. */
  get logCommand(): string | null {
    return logCommands[this.kind];
  }

  /** Whether the unit or the script is there. */
  isInstalled(): boolean {
    if (this.kind === "none") return false;
    return this.#tree.exists(this.kind === "systemd" ? unitFile : scriptFile);
  }

  /** Whether it is started at boot. */
  isEnabled(): boolean {
    if (this.kind !== "sysv") {
      return bootLinks[this.kind].some(([link]) => this.#tree.exists(link));
    }
    // insserv and chkconfig choose the number themselves.
    return [2, 3, 4, 5].some((level) =>
      this.#tree.list(`/etc/rc${level}.d`).some((name) => /^S\d\davail$/.test(name))
    );
  }

  /** Whether the service manager runs the daemon; false also for another system than the running one. */
  async isRunning(): Promise<boolean> {
    const argv = commands[this.kind]("status");
    if (argv === null || this.#tree.root !== "" || !this.isInstalled()) return false;
    return (await this.#run(argv)).code === 0;
  }

  /** Resolves when the daemon is ready. Throws `AvailError` with what it said. */
  async start(): Promise<void> {
    await this.#perform("start");
  }

  /** Resolves when its buckets are handed over and it has ended. */
  async stop(): Promise<void> {
    await this.#perform("stop");
  }

  async restart(): Promise<void> {
    await this.#perform("restart");
  }

  /** Has it read its configuration again (SIGHUP). */
  async reload(): Promise<void> {
    await this.#perform("reload");
  }

  /** What `enable` or `disable` does; null: nobody starts services here at boot. */
  bootStep(verb: "enable" | "disable"): BootStep | null {
    const argv = this.#bootCommand(verb);
    if (argv !== null) return { action: "run", words: argv.join(" "), links: [] };
    const links = bootLinks[this.kind].map(([link]) => link)
      .filter((link) => hasPlace(this.#tree, link, verb === "enable"));
    if (links.length === 0) return null;
    const words = links.length === 1 ? links[0] : "/etc/rc?.d/???avail";
    return { action: verb === "enable" ? "link" : "remove", words, links };
  }

  /** Has it started at boot, where anybody starts services. */
  async enable(): Promise<void> {
    await this.#setBoot("enable", "have avail started at boot");
  }

  async disable(): Promise<void> {
    await this.#setBoot("disable", "have avail not started at boot");
  }

  /** Has the service manager read the units that changed; nothing where it reads them each time. */
  async forgetUnits(): Promise<void> {
    if (this.kind !== "systemd" || this.#tree.root !== "") return;
    await this.#must(["systemctl", "daemon-reload"], "have systemd read its units");
  }

  /** Forgets that the service failed, for a unit that was removed. */
  async forgetFailure(): Promise<void> {
    if (this.kind !== "systemd" || this.#tree.root !== "") return;
    await this.#run(["systemctl", "reset-failed", `${serviceName}.service`]);
  }

  async #perform(verb: ServiceVerb): Promise<void> {
    const argv = commands[this.kind](verb);
    const attempt = `${verb} the service ${serviceName}`;
    if (this.#tree.root !== "") {
      throw new AvailError(`${attempt}: ${this.#tree.root} is not the running system`);
    }
    if (argv === null) {
      throw new AvailError(
        `${attempt}: no service manager is at work here; run the daemon yourself: avail run`,
      );
    }
    if (!this.isInstalled()) {
      throw new AvailError(`${attempt}: it is not installed; install it: avail install`);
    }
    await this.#must(argv, attempt, this.logCommand);
  }

  async #setBoot(verb: "enable" | "disable", attempt: string): Promise<void> {
    const argv = this.#bootCommand(verb);
    if (argv !== null) await this.#must(argv, attempt);
    else setLinks(this.#tree, bootLinks[this.kind], verb === "enable");
  }

  /** Null: by links of our own, as always for another system than the running one. */
  #bootCommand(verb: "enable" | "disable"): readonly string[] | null {
    if (this.#tree.root !== "") return null;
    if (this.kind !== "sysv") return commands[this.kind](verb);
    const isThere = verb === "enable";
    const has = (name: string) => findTool(toolFolders(), name) !== null;
    if (has("update-rc.d")) {
      // `remove` alone would refuse while the script is there.
      return isThere
        ? ["update-rc.d", serviceName, "defaults"]
        : ["update-rc.d", "-f", serviceName, "remove"];
    }
    return has("chkconfig") ? ["chkconfig", isThere ? "--add" : "--del", serviceName] : null;
  }

  async #must(
    argv: readonly string[],
    attempt: string,
    logCommand: string | null = null,
  ): Promise<void> {
    const { code, lines } = await this.#run(argv);
    if (code === 0) return;
    const said = lines.map((line) => line.trim()).filter((line) => line !== "").slice(-6);
    const where = logCommand === null ? [] : [`its log: ${logCommand}`];
    throw new AvailError(
      [`${attempt}: ${argv.join(" ")}: exit code ${code}`, ...said, ...where].join("\n  "),
    );
  }
}

async function runProgram(argv: readonly string[]): Promise<Said> {
  const program = argv[0].startsWith("/") ? argv[0] : findTool(toolFolders(), argv[0]);
  if (program === null) return { code: 127, lines: [`${argv[0]} is not installed`] };
  const lines: string[] = [];
  try {
    const code = await followTool([program, ...argv.slice(1)], (line) => void lines.push(line));
    return { code, lines };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { code: 127, lines: [`${program} cannot be started: ${why}`] };
  }
}
