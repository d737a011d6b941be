import { Emitter } from '@socket.io/redis-emitter';
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import OpenAI from 'openai';
import { serveCalls } from '../../processes/serve-calls.ts';

type Job = { id: string; conversationId: string; message: string; model: string };

const url = process.env.REDIS_URL ?? '';
const openai = new OpenAI({ apiKey: 'none', baseURL: process.env.OPENAI_BASE_URL });
const emitter = new Emitter(new Redis(url)); // one PUBLISH for each emit

const worker = new Worker<Job>(
  'answers',
  async ({ data: { id, conversationId, message, model } }) => {
    const room = emitter.to(conversationId);
    try {
      const stream = await openai.chat.completions.create({
        model,
        messages: [{ role: 'user', content: message }],
        stream: true,
      });
      for await (const chunk of stream) {
        const text = chunk.choices[0]?.delta.content;
        if (text) room.emit('chunk', { id, conversationId, text });
      }
      room.emit('done', { id, conversationId });
    } catch (error) {
      room.emit('failed', { id, conversationId, message: String(error) });
      throw error;
    }
  },
  {
    connection: new Redis(url, { maxRetriesPerRequest: null }),
    concurrency: Number(process.env.WORKER_CONCURRENCY ?? 50),
  },
);
worker.on('error', (error) => console.error(error));
await worker.waitUntilReady();
serveCalls({});
