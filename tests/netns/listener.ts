/** The listening process as a test sees it. */
import type { Lab } from "../../cli/demo/lab.ts";
import { lineStream } from "../../cli/demo/line_stream.ts";
import { record } from "../../cli/demo/processes.ts";
import type { ListenerOptions, ListenerReport } from "./listener_process.ts";

/** Listens beside a node for so long; resolves, once it listens, to what will have been heard. */
export async function listen(
  lab: Lab,
  node: string,
  as: ListenerOptions["as"],
  ms: number,
): Promise<{ readonly pid: number; readonly report: Promise<ListenerReport> }> {
  const program = new URL("./listener_process.ts", import.meta.url).pathname;
  const options: ListenerOptions = {
    interface: "inside",
    clusterName: `lab-${lab.id}`,
    keyFile: `${lab.node(node).directory}/cluster.key`,
    as,
    ms,
  };
  const child = new Deno.Command("ip", {
    args: ["netns", "exec", lab.names.namespace(node), Deno.execPath(), "run", "-qA"]
      .concat("--no-check", program, JSON.stringify(options)),
    stdout: "piped",
    detached: true,
  }).spawn();
  await record(lab.names.directory, "listener", child.pid);
  const lines = lineStream(child.stdout);
  await lines.next();
  const report = lines.next().then(async ({ value }) => {
    await child.status;
    return JSON.parse(value!) as ListenerReport;
  });
  return { pid: child.pid, report };
}
