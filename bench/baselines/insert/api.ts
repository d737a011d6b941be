import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import express from 'express';
import pg from 'pg';
import { serveCalls } from '../../processes/serve-calls.ts';

/** The least that is durable: Postgres commits the message before the POST is answered. */
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
await pool.query(`CREATE TABLE IF NOT EXISTS said (
  id uuid PRIMARY KEY, conversation_id uuid NOT NULL, content text NOT NULL, created_at timestamptz NOT NULL DEFAULT now())`);

const app = express();
app.use(express.json());
app.post('/messages', async (request, response) => {
  const id = randomUUID();
  const { conversationId, message } = request.body;
  await pool.query({
    name: 'say',
    text: 'INSERT INTO said (id, conversation_id, content) VALUES ($1, $2, $3)',
    values: [id, conversationId, message],
  });
  response.status(202).json({ id, conversationId });
});

const server = app.listen(0, '127.0.0.1', () => {
  serveCalls({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
});
