// One streamed chat completion: text pieces as they arrive, and how it ended.

import { HEADERS, Refused } from "./page.js";

/**
 * Ask for a reply. `onText(piece, id)` is called with every piece. Returns {id, model, finish, receipt}; `finish` is
 * "cancelled" where `signal` ended it. Throws Refused where the server says no, or the browser's error without an answer.
 */
export async function complete(body, { signal, onText, headers = {} }) {
  const end = { id: null, model: null, finish: null, receipt: null };
  try {
    const response = await fetch("/v1/chat/completions", {
      method: "POST", signal, headers: { ...HEADERS, ...headers }, body: JSON.stringify({ ...body, stream: true }),
    });
    if (!response.ok) throw new Refused(response.status, await response.json().catch(() => null));
    for await (const data of events(response.body)) {
      if (data === "[DONE]") break;
      const chunk = JSON.parse(data);
      if (chunk.error) throw new Refused(500, chunk);
      end.id ??= chunk.id;
      end.model ??= chunk.model;
      const choice = chunk.choices?.[0];
      if (choice?.delta?.content) onText(choice.delta.content, end.id);
      if (choice?.finish_reason) end.finish = choice.finish_reason;
      if (chunk.receipt) end.receipt = chunk.receipt;
    }
  } catch (error) {
    if (!signal?.aborted) throw error;
    end.finish = "cancelled";
  }
  if (end.finish === null) throw new Error("the reply broke off");
  return end;
}

/** Yield the data of each server-sent event. */
async function* events(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    waiting += value;
    const parts = waiting.split(/\r?\n\r?\n/);
    waiting = parts.pop();
    for (const part of parts) {
      const data = part.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
      if (data.length) yield data.join("\n");
    }
  }
}
