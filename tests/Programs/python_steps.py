"""python_steps.py DIRECTORY STEPS [STEP_MILLISECONDS]: a long deterministic computation with threads, dicts and an appended file.

A random nonce is drawn once, at the start. Every step is logged to DIRECTORY/steps as "NONCE STEP HASH TIME" by open, append, close: outside of what a
restore rolls back. The last hash depends on STEPS only and ends in DIRECTORY/result as "NONCE HASH". DIRECTORY/appended stays open and is written through a
buffer, so that text on its way is part of the process's memory.
"""
import hashlib
import os
import queue
import sys
import threading
import time

directory, steps = sys.argv[1], int(sys.argv[2])
step_seconds = float(sys.argv[3]) / 1000 if len(sys.argv) > 3 else 0.002
nonce = os.urandom(16).hex()
WORKERS = 3
table = {i: str(i) for i in range(3000)}
tasks = [queue.Queue() for _ in range(WORKERS)]
answers = queue.Queue()


def log(name, text):
    file = os.open(os.path.join(directory, name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, (text + "\n").encode())
    os.close(file)


def work(number):
    own = threading.local()
    own.seen = 0
    while (task := tasks[number].get()) is not None:
        step, key = task
        own.seen += 1
        digest = hashlib.sha256(f"{key} {step} {number} {own.seen}".encode()).hexdigest()
        answers.put((number, digest))


threads = [threading.Thread(target=work, args=(i,), daemon=True, name=f"work{i}") for i in range(WORKERS)]
for thread in threads:
    thread.start()
appended = open(os.path.join(directory, "appended"), "a", encoding="ascii")
value = hashlib.sha256(b"start").hexdigest()
for step in range(1, steps + 1):
    for number in range(WORKERS):
        tasks[number].put((step, value))
    parts = dict(answers.get() for _ in range(WORKERS))
    value = hashlib.sha256((value + "".join(parts[i] for i in range(WORKERS))).encode()).hexdigest()
    for i in range(40):
        table[int(value[:8], 16) + i] = value[i:] * 3
        table.pop(next(iter(table)))
    value = hashlib.sha256((value + table[max(table)]).encode()).hexdigest()
    appended.write(f"{step} {value}\n")
    if step % 25 == 0:
        appended.flush()
    log("steps", f"{nonce} {step} {value} {time.time():.6f}")
    time.sleep(step_seconds)
for number in range(WORKERS):
    tasks[number].put(None)
for thread in threads:
    thread.join()
assert len(table) <= 3000 and threading.active_count() == 1
log("result", f"{nonce} {value}")
