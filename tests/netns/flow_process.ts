/**
 * TCP flows that stay: `listen PORT` answers each byte with one, `hold PORT HOST COUNT` opens
 * COUNT connections, has one byte answered on each, says so, and keeps them open.
 */
if (import.meta.main) {
  const [verb, port, host, count] = Deno.args;
  if (verb === "listen") await listen(Number(port));
  else await hold(Number(port), host, Number(count));
}

async function listen(port: number): Promise<void> {
  const listener = Deno.listen({ port, hostname: "::" });
  console.log("listening");
  for await (const connection of listener) {
    connection.readable.pipeTo(connection.writable).catch(() => {});
  }
}

async function hold(port: number, hostname: string, count: number): Promise<void> {
  const connections = await Promise.all(
    Array.from({ length: count }, () => Deno.connect({ hostname, port })),
  );
  for (const connection of connections) {
    await connection.write(new Uint8Array([1]));
    await connection.read(new Uint8Array(1));
  }
  console.log("holding");
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
