/** The server-sent events of OpenAI's chat completions: one piece of text, and everything after the last piece. */
export function toTextFrame(text: string): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text } }] })}\n\n`;
}

const usage = {
  prompt_tokens: 10,
  completion_tokens: 20,
  total_tokens: 30,
  prompt_tokens_details: { cached_tokens: 4 },
};

export const finishFrame = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\n`;
export const endFrames = `data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`;
