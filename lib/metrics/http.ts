/** As much of HTTP/1.1 (RFC 9112) as a page of metrics needs; nothing here reads or writes. */
import { contentType } from "./exposition.ts";

/** What to answer, without the body that only a GET gets. */
export interface Answer {
  readonly status: keyof typeof reasons;
  /** null: the page. */
  readonly text: string | null;
  readonly isHead: boolean;
  readonly allow?: string;
}

const reasons = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  505: "HTTP Version Not Supported",
} as const;

/** The end of a request's head in what has come so far; -1: it has not ended. */
export function headEnd(bytes: Uint8Array): number {
  for (let i = 0; i + 1 < bytes.length; i++) {
    if (bytes[i] !== 10) continue;
    if (bytes[i + 1] === 10) return i + 2;
    if (bytes[i + 1] === 13 && bytes[i + 2] === 10) return i + 3;
  }
  return -1;
}

/** What a request's head asks for. */
export function answerTo(head: string): Answer {
  const [line] = head.split("\n", 1);
  const [, method, target, version] = /^([!-~]+) ([!-~]+) HTTP\/(\d\.\d)\r?$/.exec(line) ?? [];
  if (method === undefined) return refusal(400, "this is no HTTP request");
  if (!version.startsWith("1.")) return refusal(505, "this speaks HTTP/1.1");
  const isHead = method === "HEAD";
  if (method !== "GET" && !isHead) {
    return { ...refusal(405, `${method.slice(0, 20)}: only GET and HEAD`), allow: "GET, HEAD" };
  }
  // An absolute target is for proxies, and a server must take it as well (RFC 9112, 3.2.2).
  const path = target.replace(/^https?:\/\/[^/?#]*/i, "").replace(/[?#].*$/, "");
  if (path === "/metrics") return { status: 200, text: null, isHead };
  return { ...refusal(404, "there is only /metrics"), isHead };
}

export function refusal(status: Answer["status"], text: string): Answer {
  return { status, text: `${text}\n`, isHead: false };
}

/** The answer's bytes; the connection ends behind them. */
export function encodeAnswer({ status, text, isHead, allow }: Answer, page: string) {
  const encoder = new TextEncoder();
  const body = encoder.encode(text ?? page);
  const head = encoder.encode(
    [
      `HTTP/1.1 ${status} ${reasons[status]}`,
      `Content-Type: ${text === null ? contentType : "text/plain; charset=utf-8"}`,
      `Content-Length: ${body.length}`,
      ...(allow === undefined ? [] : [`Allow: ${allow}`]),
      "Cache-Control: no-store",
      "Connection: close",
      "\r\n",
    ].join("\r\n"),
  );
  if (isHead) return head;
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}
