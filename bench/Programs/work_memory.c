// work_memory MIB HOT_PAGES: works on MIB MiB as fast as memory allows: reads lines of all of it at random, and writes to HOT_PAGES pages of it, over and over.
// Each line on standard input is answered by the number of steps done so far.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

static volatile uint64_t steps;
static volatile uint64_t sink;
static char *memory;
static size_t pages, hot;

static void *work(void *unused) {
    (void)unused;
    uint64_t state = 88172645463325252ull, sum = 0;
    for (size_t next = 0;; next++) {
        state ^= state << 13; state ^= state >> 7; state ^= state << 17;
        for (int i = 0; i < 8; i++) sum += *(uint64_t *)(memory + ((state + (uint64_t)i * 0x9E3779B97F4A7C15ull) % (pages * 64)) * 64);
        *(uint64_t *)(memory + next % hot * (pages / hot) * 4096 + (state & 0xFF8)) = sum;
        steps++;
        if (!(next & 0xFFFF)) sink = sum;
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    pages = strtoull(argv[1], NULL, 10) * 256; hot = strtoull(argv[2], NULL, 10);
    memory = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return 3;
    madvise(memory, pages * 4096, MADV_NOHUGEPAGE);
    uint64_t state = 42;
    for (size_t i = 0; i < pages * 512; i++) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; ((uint64_t *)memory)[i] = i & 32 ? state : i; }
    pthread_t t;
    pthread_create(&t, NULL, work, NULL);
    puts("ready"); fflush(stdout);
    for (int c; (c = getchar()) != EOF;) if (c == '\n') { printf("%llu\n", (unsigned long long)steps); fflush(stdout); }
    return 0;
}
