/** `./dev bench [NAME] [flags]`: one measurement, or all of them. */
const all = ["steer", "failover", "hostile", "datapath", "cost", "steady", "start"];
const named = Deno.args.length > 0 && !Deno.args[0].startsWith("-");
const wanted = named ? Deno.args[0] : undefined;
const flags = named ? Deno.args.slice(1) : Deno.args;
if (wanted !== undefined && !all.includes(wanted)) {
  console.error(`bench: "${wanted}": there is no such measurement; there are ${all.join(", ")}`);
  Deno.exit(2);
}
for (const name of wanted === undefined ? all : [wanted]) {
  // What a measurement prints is left alone: it may be JSON.
  console.error(`== ${name}`);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL(`./${name}.ts`, import.meta.url).pathname, ...flags],
  }).spawn().status;
  if (code !== 0) Deno.exit(code);
}
