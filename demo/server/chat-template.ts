import { Template } from '@huggingface/jinja';
import type { Message } from './requests.ts';
import { RequestError } from './requests.ts';

/** Fills in a model's chat template (Jinja, as its GGUF file carries it). */
export function chatRenderer(
  source: string,
  tokens: { readonly bos: string | null; readonly eos: string | null },
): (messages: readonly Message[], addGenerationPrompt: boolean) => string {
  const template = new Template(source);
  return (messages, addGenerationPrompt) => {
    try {
      return template.render({
        messages: messages.map((message) => ({ ...message, content: textOf(message.content) })),
        add_generation_prompt: addGenerationPrompt,
        bos_token: tokens.bos ?? '',
        eos_token: tokens.eos ?? '',
      });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new RequestError(400, `messages: the model's chat template refuses them: ${why}`, {
        param: 'messages',
      });
    }
  };
}

function textOf(content: Message['content']): string {
  return typeof content === 'string' ? content : content.map((part) => part.text).join('');
}
