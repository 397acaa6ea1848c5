// Adds jobs to a BullMQ queue with addBulk, and prints one line of JSON: the jobs, the
// seconds that adding them took, jobs a second, and the bytes of Redis that each takes
// (its clients' buffers not counted). Connecting is not part of the seconds, making the
// jobs is. The queue should be empty: an id that is there already adds nothing.
//
//   node addbulk.mjs --redis redis://127.0.0.1:6379 --queue photo --jobs 100000 --batch 1000 --at-once 1 --payload '{"groupId":"120363000000000000-group","seq":1}'
//
// --at-once is how many addBulks are under way: with two, Node makes the next batch while
// Redis takes one. The payload is the first job's data; those after it have the next group ids and
// numbers. Exit code 2: a bad argument. 1: Redis could not be reached or refused.
import { parseArgs } from 'node:util';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';

function bad(why) {
  console.error(`addbulk: ${why}`);
  process.exit(2);
}

function count(name, text) {
  if (!/^[1-9][0-9]{0,8}$/.test(text ?? '')) bad(`--${name} must be a number from 1 to 999999999`);
  return Number(text);
}

function readArguments() {
  const text = { type: 'string' };
  let given;
  try {
    given = parseArgs({ options: { redis: text, queue: text, jobs: text, batch: text, 'at-once': text, payload: text } }).values;
  } catch (err) {
    bad(err.message);
  }
  for (const name of ['redis', 'queue', 'payload']) if (!given[name]) bad(`--${name} is missing`);
  if (!/^rediss?:\/\//.test(given.redis)) bad('--redis must be redis://HOST:PORT');
  let first;
  try {
    first = JSON.parse(given.payload);
  } catch (err) {
    bad(`--payload is no JSON: ${err.message}`);
  }
  const id = /^([0-9]+)-group$/.exec(first?.groupId);
  if (!id) bad('--payload must have a groupId such as 120363000000000000-group');
  return {
    redis: given.redis, queue: given.queue, first, id: BigInt(id[1]),
    jobs: count('jobs', given.jobs), batch: count('batch', given.batch), atOnce: count('at-once', given['at-once']),
  };
}

// jobsOf returns the jobs from number `from` up to `to`. Names keep their places in the
// data, so that every job has the bytes that the first one has, but for its numbers.
function jobsOf({ first, id }, from, to) {
  const jobs = [];
  for (let i = from; i < to; i++) {
    jobs.push({
      name: 'groupphoto:update',
      data: { ...first, groupId: `${id + BigInt(i)}-group`, seq: i + 1 },
      opts: { jobId: `row-${i}`, attempts: 10 },
    });
  }
  return jobs;
}

async function memory(connection) {
  const info = await connection.info('memory');
  const field = (name) => Number(new RegExp(`^${name}:([0-9]+)`, 'm').exec(info)[1]);
  return field('used_memory') - field('mem_clients_normal');
}

async function run(args, connection) {
  const queue = new Queue(args.queue, { connection });
  await queue.waitUntilReady();
  const before = await memory(connection);
  const began = performance.now();
  let next = 0;
  const add = async () => {
    while (next < args.jobs) {
      const from = next;
      next = Math.min(from + args.batch, args.jobs);
      await queue.addBulk(jobsOf(args, from, next));
    }
  };
  await Promise.all(Array.from({ length: Math.min(args.atOnce, args.jobs) }, add));
  const seconds = (performance.now() - began) / 1000;
  const bytes = (await memory(connection)) - before;
  await queue.close();
  console.log(JSON.stringify({ jobs: args.jobs, seconds, jobsPerSecond: Math.round(args.jobs / seconds), bytesPerJob: bytes / args.jobs }));
}

const args = readArguments();
// A Redis that is not there is an error here, not something to wait for.
const connection = new Redis(args.redis, { maxRetriesPerRequest: null, lazyConnect: true, connectTimeout: 5000, retryStrategy: () => null });
let last;
connection.on('error', (err) => { last = err; });
try {
  await connection.connect();
  await run(args, connection);
} catch (err) {
  console.error(`addbulk: ${(last ?? err).message}`);
  process.exitCode = 1;
} finally {
  connection.disconnect();
}
