/** Reads what tcpdump wrote (pcap-savefile(5)), and watches with it. */

/** The Ethernet frames of a capture file. */
export function readFrames(path: string): Uint8Array[] {
  const file = Deno.readFileSync(path);
  const view = new DataView(file.buffer);
  const frames: Uint8Array[] = [];
  for (let at = 24; at + 16 <= file.length;) {
    const length = view.getUint32(at + 8, true);
    frames.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return frames;
}

/** Frames that pass an interface of a namespace, until `stop`. */
export class Capture {
  readonly #child: Deno.ChildProcess;
  readonly #path: string;

  private constructor(child: Deno.ChildProcess, path: string) {
    this.#child = child;
    this.#path = path;
  }

  /** Returns once tcpdump listens. */
  static async start(namespace: string, device: string, path: string): Promise<Capture> {
    const child = new Deno.Command("ip", {
      args: ["netns", "exec", namespace, "tcpdump", "-Z", "root", "-U", "--immediate-mode"]
        .concat("-i", device, "-w", path),
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let said = "";
    const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
    while (!said.includes("listening on")) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`tcpdump: ${said}`);
      said += value;
    }
    (async () => {
      while (!(await reader.read()).done);
    })();
    return new Capture(child, path);
  }

  async stop(): Promise<Uint8Array[]> {
    this.#child.kill("SIGINT");
    await this.#child.status;
    return readFrames(this.#path);
  }
}
