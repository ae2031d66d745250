/** The issuer and the joiner over the loopback: tokens on disk, keys, a connection that breaks. */
import { readConfig } from "../../lib/config_file.ts";
import { AvailError } from "../../lib/errors.ts";
import { JoinClient } from "../../lib/host/join_client.ts";
import { JoinService } from "../../lib/host/join_service.ts";
import { changeTokens, readTokens, tokenFileOf } from "../../lib/host/token_file.ts";
import { joinPort, makeToken } from "../../lib/joining/make_token.ts";
import { ownProtocol } from "../../lib/joining/template.ts";
import { parseToken } from "../../lib/joining/token.ts";
import { Log } from "../../lib/log.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "../assert.ts";

const keyText = `${new Uint8Array(32).fill(5).toBase64()}\n`;

class Issuer implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly service: JoinService;
  /** Bytes 1 to 16 of a secret; another one for each token. */
  #secrets = 0;

  private constructor(readonly folder: string, readonly replicationPort: number) {
    const { config } = readConfig(
      `[cluster]\nname = "edge"\nkey_file = "${folder}/cluster.key"\n[node]\nname = "fw1"\n` +
        `[[share]]\ninterface = "lo"\naddresses = ["192.0.2.1/24"]\n` +
        `[replication]\nport = ${replicationPort}\n`,
      { file: `${folder}/avail.toml`, hostName: "x" },
    );
    const write = (line: string) => void this.lines.push(line);
    const output = { write, timeOfDay: () => "", now: () => performance.now() };
    this.service = new JoinService({
      config: () => config,
      members: () => Promise.resolve(["fw1", "fw7"]),
      log: new Log({ level: "debug", format: "json", output }),
    });
  }

  static async start(): Promise<Issuer> {
    const folder = await Deno.makeTempDir();
    await Deno.writeTextFile(`${folder}/cluster.key`, keyText, { mode: 0o600 });
    return new Issuer(folder, freePort() - 1);
  }

  /** A token; `port`: where the joiner shall ask instead of the service's own. */
  async token(port = joinPort(this.replicationPort), uses = 1) {
    const { text, record } = makeToken({
      secret: new Uint8Array(16).fill(++this.#secrets),
      ...{ issuer: "fw1", cluster: "edge", addresses: ["127.0.0.1"], port, uses },
      ...{ lifetimeMs: 3_600_000, now: Date.now() },
    });
    await changeTokens(this.#file, (book) => [...book, record]);
    await this.service.look();
    return parseToken(text);
  }

  async book() {
    return await readTokens(this.#file);
  }

  get #file(): string {
    return tokenFileOf(`${this.folder}/cluster.key`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.service.close();
    await Deno.remove(this.folder, { recursive: true });
  }
}

function freePort(): number {
  using probe = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return probe.addr.port;
}

const claim = (name: string, letter: string) => ({
  ...{ name, version: "0.1.0", protocol: ownProtocol, claimant: letter.repeat(32) },
});

/** Joins, and gives the keys that were to be written. */
async function join(client: JoinClient, name: string, letter: string): Promise<string> {
  let written = "";
  await client.join(claim(name, letter), (keys) => {
    written = keys;
    return Promise.resolve();
  });
  return written;
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !await condition(); tries++) {
    assert(tries < 250, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("a joiner gets the template for nothing, and the keys for a use", async () => {
  await using issuer = await Issuer.start();
  const client = new JoinClient(await issuer.token());
  assertEquals((await issuer.service.status()).listening[0], hostOf(client));
  const template = await client.template();
  assertEquals([template.issuer, template.members], ["fw1", ["fw1", "fw7"]]);
  assertStringIncludes(template.config, 'name = "edge"');
  assert(!template.config.includes(keyText.trim()));
  assertEquals((await issuer.book())[0].used, []);

  assertEquals(await join(client, "fw2", "a"), keyText);
  await until("it is told that all is written", async () => {
    const [token] = await issuer.book();
    return token.used[0]?.installed ?? false;
  });
  const [{ used }] = await issuer.book();
  assertEquals(used.map(({ name, address }) => [name, address]), [["fw2", "127.0.0.1"]]);
  await until("the door is closed", async () => {
    return (await issuer.service.status()).listening.length === 0;
  });
  const error = await assertRejects(() => client.template(), AvailError);
  assertStringIncludes(String(error), "avail does not run on fw1, or none of its join tokens");
  const log = issuer.lines.join("\n");
  for (const event of ["join-granted", "joined"]) assertStringIncludes(log, `"event":"${event}"`);
  assert(!log.includes(keyText.trim().slice(0, 16)));
});

const hostOf = ({ token }: JoinClient) => `127.0.0.1:${token.port}`;

Deno.test("a connection that breaks before the keys arrive: the same claim is answered again", async () => {
  await using issuer = await Issuer.start();
  using proxy = new CuttingProxy(joinPort(issuer.replicationPort));
  const client = new JoinClient(await issuer.token(proxy.port));
  await client.template();
  proxy.cutAfterChunks = 2; // the claim gets there, and its answer does not come back
  assertEquals(await join(client, "fw2", "a"), keyText);
  assertEquals(proxy.cuts, 1);
  const [{ used }] = await issuer.book();
  assertEquals(used.length, 1, "counted once");
  // The control: anybody else finds it used, also while the first is still awaited.
  await issuer.token();
  const other = new JoinClient({ ...client.token, port: joinPort(issuer.replicationPort) });
  const error = await assertRejects(() => join(other, "fw3", "b"), AvailError);
  assertStringIncludes(String(error), "it was used by fw2 (127.0.0.1)");
});

Deno.test("the file decides: a token that was changed by hand, and a key file that is gone", async () => {
  await using issuer = await Issuer.start();
  const client = new JoinClient(await issuer.token());
  await Deno.remove(`${issuer.folder}/cluster.key`);
  const failed = await assertRejects(() => join(client, "fw2", "a"), AvailError);
  assertStringIncludes(String(failed), "it cannot, and its log says why");
  assertStringIncludes(issuer.lines.join("\n"), "there is no such file");
  assertEquals((await issuer.book())[0].used, [], "nothing is used up by that");
  await Deno.writeTextFile(`${issuer.folder}/cluster.key`, keyText, { mode: 0o600 });
  const taken = await assertRejects(() => join(client, "FW7", "a"), AvailError);
  assertStringIncludes(String(taken), "a node of edge is called fw7; give this node another name");
  await Deno.chmod(`${issuer.folder}/join-tokens.json`, 0o644);
  await assertRejects(() => client.template(), AvailError);
  assertStringIncludes((await issuer.service.status()).problem ?? "", "others than its owner");
});

/** Passes connections on; cuts one, when it is told to, after so many chunks of the joiner. */
class CuttingProxy implements Disposable {
  cutAfterChunks = Infinity;
  cuts = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });

  constructor(readonly target: number) {
    this.#run();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #run(): Promise<void> {
    for await (const near of this.#listener) this.#pass(near).catch(() => {});
  }

  async #pass(near: Deno.TcpConn): Promise<void> {
    using far = await Deno.connect({ hostname: "127.0.0.1", port: this.target });
    let isCut = false;
    const back = pump(far, near, () => !isCut).catch(() => {});
    let chunks = 0;
    await pump(near, far, () => true, () => {
      if (++chunks < this.cutAfterChunks) return;
      this.cutAfterChunks = Infinity;
      this.cuts++;
      isCut = true;
    }).catch(() => {});
    await back;
    near.close();
  }

  [Symbol.dispose](): void {
    this.#listener.close();
  }
}

async function pump(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  mayPass: () => boolean,
  passed: () => void = () => {},
): Promise<void> {
  const buffer = new Uint8Array(65536);
  for (let n; (n = await from.read(buffer)) !== null;) {
    if (!mayPass()) break;
    passed();
    for (let at = 0; at < n;) at += await to.write(buffer.subarray(at, n));
  }
  await to.closeWrite();
}
