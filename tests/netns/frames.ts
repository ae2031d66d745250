/** The Ethernet frames that pass an interface of a namespace (frame_process.ts). */
export class FrameWatch {
  readonly #child: Deno.ChildProcess;
  readonly #rest: Promise<string>;

  private constructor(child: Deno.ChildProcess, rest: Promise<string>) {
    this.#child = child;
    this.#rest = rest;
  }

  /** Returns once it watches; the kernel keeps the frames until `stop`. */
  static async start(namespace: string, device: string): Promise<FrameWatch> {
    const program = new URL("./frame_process.ts", import.meta.url).pathname;
    const child = new Deno.Command("ip", {
      args: ["netns", "exec", namespace, Deno.execPath(), "run", "-qA", "--no-check"]
        .concat(program, device),
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let said = "";
    while (!said.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`watching ${device}: ${said}`);
      said += value;
    }
    const rest = (async () => {
      let text = "";
      for (let read; !(read = await reader.read()).done;) text += read.value;
      return text;
    })();
    return new FrameWatch(child, rest);
  }

  async stop(): Promise<Uint8Array[]> {
    await this.#child.stdin.close();
    await this.#child.status;
    return (await this.#rest).split("\n").filter((line) => line !== "")
      .map((line) => Uint8Array.fromHex(line));
  }
}
