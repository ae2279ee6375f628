"""python_tree.py DIRECTORY: workers made by fork (multiprocessing) that share queues, a lock and values, all kept in nameless files of /dev/shm.

The parent gives numbered tasks to three workers and takes their answers. Each answer carries the worker's own count of what it did; a shared value counts
all, under the lock. Every step is logged to DIRECTORY/steps by open, append, close: outside of what a restore rolls back. A wrong answer, count or total
is logged as "wrong". It goes on until there is DIRECTORY/stop; then DIRECTORY/result says how many steps it made, and their hash, which depends on that only.
"""
import hashlib
import multiprocessing
import os
import sys
import time

directory = sys.argv[1]
WORKERS = 3


def log(name, text):
    file = os.open(os.path.join(directory, name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, (text + "\n").encode())
    os.close(file)


def work(number, tasks, answers, lock, total, table):
    done = 0
    while True:
        task = tasks.get()
        if task is None:
            return
        value = hashlib.sha256(b"%d" % task).hexdigest()
        done += 1
        with lock:
            total.value += 1
            table[number] += 1
            own = table[number]
        answers.put((task, number, value, done, own))


def main():
    context = multiprocessing.get_context("fork")
    tasks, answers, lock = context.Queue(), context.Queue(), context.Lock()
    total, table = context.Value("q", 0, lock=False), context.Array("q", WORKERS, lock=False)
    workers = [context.Process(target=work, args=(i, tasks, answers, lock, total, table)) for i in range(WORKERS)]
    for worker in workers:
        worker.start()
    digest, counts = hashlib.sha256(), [0] * WORKERS
    step = -1
    while not os.path.exists(os.path.join(directory, "stop")):
        step += 1
        time.sleep(0.001)
        for i in range(6):
            tasks.put(step * 6 + i)
        found = {}
        for _ in range(6):
            task, number, value, done, own = answers.get()
            found[task] = value
            counts[number] += 1
            if counts[number] != done or done != own:
                log("steps", f"wrong: worker {number} counts {done}, its table {own}, its answers {counts[number]}")
        for task in sorted(found):
            digest.update(found[task].encode())
        if sorted(found) != [step * 6 + i for i in range(6)]:
            log("steps", f"wrong: step {step} got {sorted(found)}")
        with lock:
            if total.value != (step + 1) * 6:
                log("steps", f"wrong: step {step}, total {total.value}")
        log("steps", f"{step} {digest.hexdigest()[:16]}")
    for _ in workers:
        tasks.put(None)
    for worker in workers:
        worker.join()
        if worker.exitcode != 0:
            log("steps", f"wrong: a worker ended with {worker.exitcode}")
    log("result", f"{step + 1} {digest.hexdigest()}")


main()
