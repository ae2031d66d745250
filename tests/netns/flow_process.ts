/**
 * TCP flows that stay: `listen PORT` answers each byte with one, `hold PORT HOST COUNT` opens
 * COUNT connections, and has a byte answered on each every 100 ms: a line says on how many it was.
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
  for (;;) {
    const answers = await Promise.all(connections.map((connection) => beat(connection)));
    console.log(answers.filter((isAnswered) => isAnswered).length);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Whether a byte comes back in time. A connection that has failed stays failed. */
async function beat(connection: Deno.TcpConn): Promise<boolean> {
  const timer = setTimeout(() => connection.close(), 5000);
  try {
    await connection.write(new Uint8Array([1]));
    return await connection.read(new Uint8Array(1)) === 1;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
