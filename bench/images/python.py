# A Python program at work: objects, strings, lists, a numeric table. Each line on stdin is one step; prints a line when it is done.
import random, sys
seed, size = int(sys.argv[1]), int(sys.argv[2])
rng = random.Random(seed)
table = {i: {"name": "item-%d" % i, "tags": [rng.random() for _ in range(4)], "text": ("%x" % rng.getrandbits(200))} for i in range(size)}
series = [rng.random() for _ in range(size * 4)]
print("ready", flush=True)
for line in sys.stdin:
    for _ in range(size // 20):
        item = table[rng.randrange(size)]
        item["tags"][rng.randrange(4)] = rng.random()
    base = len(table)
    for i in range(size // 50):
        table[base + i] = {"name": "item-%d" % (base + i), "tags": [rng.random()], "text": "%x" % rng.getrandbits(200)}
    for i in range(size // 10):
        series[rng.randrange(len(series))] *= 1.5
    print("ok", flush=True)
