"""A computation on dictionaries and lists, without end. Each line on standard input is answered by the number of steps done so far."""
import random
import sys
import threading

steps = 0


def work():
    global steps
    chance = random.Random(4711)
    table = {}
    rows = [[float(i * j % 97) for j in range(64)] for i in range(2000)]
    while True:
        key = chance.randrange(200_000)
        table[key] = table.get(key, 0) + len(table)
        row = rows[key % len(rows)]
        row[key % 64] = sum(row) / 64
        steps += 1


threading.Thread(target=work, daemon=True).start()
print("ready", flush=True)
for _ in sys.stdin:
    print(steps, flush=True)
