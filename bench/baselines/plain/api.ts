import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Queue } from 'bullmq';
import express from 'express';
import { Redis } from 'ioredis';
import { serveCalls } from '../../processes/serve-calls.ts';

const connection = new Redis(process.env.REDIS_URL ?? '', { maxRetriesPerRequest: null });
const queue = new Queue('answers', { connection });

const app = express();
app.use(express.json());
app.post('/invoke', async (request, response) => {
  const { conversationId, message, model } = request.body;
  const id = randomUUID();
  await queue.add(
    'answer',
    { id, conversationId, message, model },
    { jobId: id, removeOnComplete: true, removeOnFail: true },
  );
  response.status(202).json({ id, conversationId });
});

const server = app.listen(0, '127.0.0.1', () => {
  serveCalls({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
