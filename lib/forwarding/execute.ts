/**
 * Both ends of a forwarded request as text: what a node does with one that another sent, and what the
 * asker makes of the answer. The answer is a `ControlReply`, as on the control socket.
 */
import type { ControlReply, ForwardableRequest } from "../control.ts";
import { isForwardable, parseControlRequest } from "../control_request.ts";
import { AvailError } from "../errors.ts";
import { forwardAnswerBytesMax } from "../wire/forward.ts";

/**
 * Carries a request of another node out if others may ask for it; the text of the answer, which
 * travels at any rate. `execute` may throw; its message is the answer then, and `refused` hears it.
 */
export async function answerTo(
  request: string,
  execute: (request: ForwardableRequest) => unknown,
  refused: (why: string) => void = () => {},
): Promise<string> {
  try {
    const parsed = parseControlRequest(request);
    if (!isForwardable(parsed)) {
      throw new AvailError(`${parsed.command} is nothing that another node may ask for`);
    }
    const reply: ControlReply = { ok: true, result: await execute(parsed) ?? null };
    const text = JSON.stringify(reply);
    const bytes = new TextEncoder().encode(text).length;
    if (bytes <= forwardAnswerBytesMax) return text;
    const most = `${forwardAnswerBytesMax} at most travel between nodes`;
    throw new AvailError(`the answer has ${bytes} bytes; ${most}: ask on the node itself`);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    refused(message);
    return JSON.stringify({ ok: false, error: message } satisfies ControlReply);
  }
}

/** The result of another node; throws `AvailError` with its words, or with why it did not answer. */
export function resultOf(
  node: string,
  outcome: { readonly answer: string } | { readonly error: string },
): unknown {
  if ("error" in outcome) throw new AvailError(outcome.error);
  const reply = readReply(outcome.answer);
  if (reply === null) throw new AvailError(`${node}: its answer cannot be read`);
  if (!reply.ok) throw new AvailError(`${node}: ${reply.error}`);
  return reply.result;
}

function readReply(text: string): ControlReply | null {
  try {
    const reply: Partial<ControlReply> | null = JSON.parse(text);
    return typeof reply?.ok === "boolean" ? reply as ControlReply : null;
  } catch {
    return null;
  }
}
