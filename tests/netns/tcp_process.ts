/**
 * TCP through the cluster, from inside a namespace:
 * `listen PORT` sends back what it gets, `connect PORT BYTES HOST…` checks that it comes back whole
 * from each host, and prints how many did.
 */
if (import.meta.main) {
  const [verb, port, ...rest] = Deno.args;
  if (verb === "listen") await listen(Number(port));
  else console.log(await connect(Number(port), Number(rest[0]), rest.slice(1)));
}

async function listen(port: number): Promise<void> {
  const listener = Deno.listen({ port, hostname: "::" });
  console.log("listening");
  for await (const connection of listener) {
    connection.readable.pipeTo(connection.writable).catch(() => {});
  }
}

async function connect(port: number, bytes: number, hosts: readonly string[]): Promise<number> {
  const whole = await Promise.all(
    hosts.map((hostname) => exchange(hostname, port, bytes).catch(() => false)),
  );
  return whole.filter((isWhole) => isWhole).length;
}

async function exchange(hostname: string, port: number, bytes: number): Promise<boolean> {
  using connection = await Deno.connect({ hostname, port });
  const timer = setTimeout(() => connection.close(), 20_000);
  const sent = crypto.getRandomValues(new Uint8Array(bytes));
  const writing = (async () => {
    for (let at = 0; at < bytes;) at += await connection.write(sent.subarray(at));
  })();
  const buffer = new Uint8Array(65536);
  let got = 0;
  while (got < bytes) {
    const n = await connection.read(buffer);
    if (n === null || buffer.subarray(0, n).some((byte, i) => byte !== sent[got + i])) break;
    got += n;
  }
  await writing;
  clearTimeout(timer);
  return got === bytes;
}
