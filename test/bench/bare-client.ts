import { Agent, request } from 'node:http';

/** Requests a second that a client reaches which does nothing but ask: the limit that the machine and the server set. */
export async function bareClient(
  baseUrl: string,
  options: { readonly requests: number; readonly concurrency: number },
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.concurrency });
  let next = 0;
  const startedAt = performance.now();
  const lane = async () => {
    while (next < options.requests) await ask(agent, `${baseUrl}/completions`, next++);
  };
  await Promise.all(Array.from({ length: options.concurrency }, lane));
  agent.destroy();
  return options.requests / ((performance.now() - startedAt) / 1_000);
}

function ask(agent: Agent, url: string, n: number): Promise<void> {
  const body = JSON.stringify({
    model: 'scripted',
    prompt: `Q: bare ${n}?\nA:`,
    max_tokens: 16,
    temperature: 0,
    stop: ['\n'],
  });
  return new Promise((resolve, reject) => {
    const asked = request(
      url,
      {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          JSON.parse(text);
          resolve();
        });
        response.on('error', reject);
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}
