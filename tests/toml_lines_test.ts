import { keyLines } from "../lib/toml_lines.ts";
import { assertEquals } from "./assert.ts";

const document = `# [not.a.table]
top = "a [string] = with # everything"
'quoted key' = 1
[a]
b.c = { d = 1, e = [10, { f = 2 }] }
[[list]]
x = [
  1, # one ]
  [2,
   3],
]
[list.sub]
y = """
[[list]] is text here, and \\""" too""""
[[list]]
x = '''
]'''
z = 1979-05-27T07:32:00Z
[list.sub]
y = 2 # the second
[a.later]
`;

Deno.test("every key, table and element is found on its line", () => {
  assertEquals(Object.fromEntries(keyLines(document)), {
    "top": 2,
    "quoted key": 3,
    "a": 4,
    "a.b": 5,
    "a.b.c": 5,
    "a.b.c.d": 5,
    "a.b.c.e": 5,
    "a.b.c.e[0]": 5,
    "a.b.c.e[1]": 5,
    "a.b.c.e[1].f": 5,
    "list": 6,
    "list[0]": 6,
    "list[0].x": 7,
    "list[0].x[0]": 8,
    "list[0].x[1]": 9,
    "list[0].x[1][0]": 9,
    "list[0].x[1][1]": 10,
    "list[0].sub": 12,
    "list[0].sub.y": 13,
    "list[1]": 15,
    "list[1].x": 16,
    "list[1].z": 18,
    "list[1].sub": 19,
    "list[1].sub.y": 20,
    "a.later": 21,
  });
});

Deno.test("line ends of Windows and a byte order mark change nothing", () => {
  assertEquals(
    [...keyLines("\ufeff" + document.replaceAll("\n", "\r\n"))],
    [...keyLines(document)],
  );
});

Deno.test("a scan of text that no parser has passed comes to an end", () => {
  for (let end = 0; end < document.length; end++) keyLines(document.slice(0, end));
  for (const text of ["[", "[[", "a", "a=", "a=[", "a={", "a='", "= 1", "]", '"""', "a = [}"]) {
    keyLines(text);
  }
});
