// node_steps.js DIRECTORY STEPS [STEP_MILLISECONDS]: as python_steps.py, with what node lives on: timers, promises, microtasks, buffers, a worker pool job
// (scrypt, in libuv's threads) in every step, and garbage. Steps go to DIRECTORY/steps as "NONCE STEP HASH TIME", the end to DIRECTORY/result.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { promisify } = require('util');

const [directory, steps, milliseconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4] || 2)];
const nonce = crypto.randomBytes(16).toString('hex');
const scrypt = promisify(crypto.scrypt);
const pause = promisify(setTimeout);
const sha = (...parts) => parts.reduce((hash, part) => hash.update(part), crypto.createHash('sha256')).digest('hex');
const log = (name, text) => fs.appendFileSync(path.join(directory, name), text + '\n');

const buffers = new Map();
let ticks = 0;
const ticker = setInterval(() => { ticks++; }, 1);

async function run() {
  let value = sha('start');
  for (let step = 1; step <= steps; step++) {
    const [a, b] = await Promise.all([scrypt(value, 'salt', 32, { N: 16, r: 1, p: 1 }), Promise.resolve(Buffer.from(value + step))]);
    await new Promise(resolve => setImmediate(() => process.nextTick(resolve)));
    buffers.set(step % 200, Buffer.alloc(4096 + (step % 7) * 1000, a));
    const old = buffers.get((step * 31) % 200) || a;
    value = sha(value, a, b, old);
    log('steps', `${nonce} ${step} ${value} ${(Date.now() / 1000).toFixed(6)}`);
    await pause(milliseconds);
  }
  clearInterval(ticker);
  if (ticks === 0 && steps > 100) throw new Error('the interval never fired');
  log('result', `${nonce} ${value}`);
}

run().catch(error => { log('result', `failed ${error.stack}`); process.exitCode = 1; });
