// Adds jobs to a BullMQ queue with addBulk, and prints how long that took, as JSON.
// The jobs carry what a task of groupphoto does. Arguments: Redis' port, how many
// jobs, how many in one addBulk.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';

const [port, jobs, batch] = process.argv.slice(2).map(Number);
const connection = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null });
const queue = new Queue('photo', { connection });
await queue.waitUntilReady();
const expires = Date.now() + 3600_000;
const began = performance.now();
for (let from = 0; from < jobs; from += batch) {
  const list = [];
  for (let i = from; i < Math.min(from + batch, jobs); i++) {
    list.push({
      name: 'groupphoto:update',
      data: {
        groupId: `${120363019500000000n + BigInt(i)}-group`, groupPhoto: 'https://cdn.example.com/campaigns/spring/logo.jpg', account: 'main',
        campaign: 'spring', seq: i + 1, enqueuedAt: began, expiresAt: expires,
      },
      opts: { jobId: `spring-${i + 1}`, attempts: 10 },
    });
  }
  await queue.addBulk(list);
}
console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000 }));
await queue.close();
connection.disconnect();
