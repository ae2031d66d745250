/**
 * `avail install` and `avail uninstall` inside of a machine that a test made: the program that it installs is
 * a script that runs the checkout, so that nothing has to be built for these tests.
 */
import { askStatus } from "../../cli/client.ts";
import { programTexts } from "../../cli/program_texts.ts";
import { controlRequest } from "../../lib/host/control_socket.ts";
import { install } from "../../lib/host/install/install.ts";
import { removeRemains } from "../../lib/host/install/remains.ts";
import { uninstall } from "../../lib/host/install/uninstall.ts";
import { findServiceManager } from "../../lib/host/service_manager.ts";
import { version } from "../../lib/version.ts";

const program = `#!/bin/sh
export DENO_DIR=/srv/cache
exec /srv/deno/deno run -A --cached-only --quiet --no-check /srv/avail/cli/main.ts "$@"
`;

if (import.meta.main) console.log(JSON.stringify(await main(Deno.args)));

async function main([what, ...flags]: readonly string[]): Promise<unknown> {
  const manager = findServiceManager();
  const order = async (command: "drain" | "resume") =>
    void await controlRequest("/run/avail/control.sock", { command });
  try {
    switch (what) {
      case "install":
        return await install({
          program: new TextEncoder().encode(program),
          texts: await programTexts(version),
          withModule: false,
          isDryRun: false,
        }, { did() {}, step() {}, output() {} });
      case "uninstall":
        return await uninstall({
          keepConfig: flags.includes("keep"),
          isForced: flags.includes("force"),
          isDryRun: false,
          daemon: {
            status: () => askStatus({}),
            drain: () => order("drain"),
            resume: () => order("resume"),
          },
          removeRemains,
        }, () => {});
      case "start":
      case "stop":
      case "restart":
      case "reload":
        await manager[what]();
        return await stateOf();
      default:
        return await stateOf();
    }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }

  async function stateOf() {
    return {
      kind: manager.kind,
      installed: manager.isInstalled(),
      enabled: manager.isEnabled(),
      running: await manager.isRunning(),
    };
  }
}
