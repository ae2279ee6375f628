// gap_spinner MIB DIRTY_PAGES INTERVAL_MS THREADS [s]: a process of MIB MiB that dirties DIRTY_PAGES pages per interval, random ones or (s) one after the
// other, spread over the interval, and one thread of which looks
// at the clock without end. Each line on standard input is answered by the longest gap in microseconds that this thread saw since the last one.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static volatile uint64_t longest;
static char *memory;
static size_t pages, dirty;
static long interval_ms;
static int sequential;

static uint64_t now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec; }

static void *spin(void *unused) {
    (void)unused;
    uint64_t last = now();
    for (;;) { uint64_t at = now(); if (at - last > longest) longest = at - last; last = at; }
    return NULL;
}

static void *sleeper(void *unused) { (void)unused; for (;;) pause(); return NULL; }

static void *writer(void *unused) {
    (void)unused;
    uint64_t state = 88172645463325252ull;
    enum { STEPS = 25 };
    for (size_t next = 0;;) {
        for (size_t i = 0; i < dirty / STEPS; i++) {
            state ^= state << 13; state ^= state >> 7; state ^= state << 17;
            size_t page = sequential ? next++ % pages : state % pages;
            *(volatile uint64_t *)(memory + page * 4096 + 64) = state;
        }
        usleep((useconds_t)interval_ms * 1000 / STEPS);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 5) return 2;
    pages = strtoull(argv[1], NULL, 10) * 256; dirty = strtoull(argv[2], NULL, 10); interval_ms = atol(argv[3]);
    sequential = argc > 5;
    memory = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(memory, pages * 4096, MADV_NOHUGEPAGE);
    uint64_t state = 42;
    for (size_t i = 0; i < pages * 512; i++) { // half of each page compresses, half doesn't
        state ^= state << 13; state ^= state >> 7; state ^= state << 17;
        ((uint64_t *)memory)[i] = i & 32 ? state : i;
    }
    pthread_t t;
    pthread_create(&t, NULL, spin, NULL);
    if (dirty) pthread_create(&t, NULL, writer, NULL);
    for (int i = 3; i < atoi(argv[4]); i++) pthread_create(&t, NULL, sleeper, NULL);
    puts("ready"); fflush(stdout);
    char line[64];
    while (fgets(line, sizeof line, stdin)) { printf("%llu\n", (unsigned long long)(longest / 1000)); fflush(stdout); longest = 0; }
    for (;;) pause();
}
