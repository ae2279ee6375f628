// A Node program at work: maps, objects, strings, typed arrays. Each line on stdin is one step; prints a line when it is done.
let state = BigInt(process.argv[2]) | 1n; const size = Number(process.argv[3]);
let seed = Number(state & 0x7fffffffn);
const next = () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) / 0x7fffffff;
const users = new Map(); const samples = new Float64Array(size * 8);
const make = i => ({ id: i, name: 'user-' + i, score: next(), history: [next(), next(), next()], note: next().toString(36) + next().toString(36) });
for (let i = 0; i < size; i++) users.set(i, make(i));
for (let i = 0; i < samples.length; i++) samples[i] = next();
console.log('ready');
require('readline').createInterface({ input: process.stdin }).on('line', () => {
  for (let i = 0; i < size / 20; i++) { const u = users.get(Math.floor(next() * size)); u.score += 1; u.history.push(next()); }
  const base = users.size; for (let i = 0; i < size / 50; i++) users.set(base + i, make(base + i));
  for (let i = 0; i < size / 5; i++) samples[Math.floor(next() * samples.length)] += 1;
  console.log('ok');
});
