// memory_steps CASE [MIB PERCENT]: a target that changes its memory step by step, one step for each byte it reads, and answers each with a byte.
// Each case is a history that once made, or nearly made, a page go unnoticed; the test compares every page after every step.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif
enum { PAGE = 4096, READ_WRITE = PROT_READ | PROT_WRITE, ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS };

static char *at; // room of 64 MiB: nothing else moves in
static char *page(size_t n) { return at + n * PAGE; }
static void map(size_t first, size_t count) { mmap(page(first), count * PAGE, READ_WRITE, ANONYMOUS | MAP_FIXED, -1, 0); }
static void fill(size_t first, size_t count, int value) { memset(page(first), value, count * PAGE); }
static void move(size_t from, size_t count, size_t to, int flags) { mremap(page(from), count * PAGE, count * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | flags, page(to)); }

// A mapping moves up to another one and they merge; the other one's pages are written, and written again.
static void moved_to_neighbour(int step) {
    switch (step) {
    case 0: map(16, 4); fill(16, 4, 1); map(64, 4); break;
    case 1: munmap(page(20), 4 * PAGE); move(64, 4, 20, 0); fill(16, 1, 2); break;
    case 2: fill(16, 2, 3); break;
    case 3: fill(16, 8, 4); break;
    }
}

// Moved away and back again, written in between.
static void moved_and_back(int step) {
    switch (step) {
    case 0: map(16, 8); fill(16, 8, 1); break;
    case 1: move(16, 8, 600, 0); fill(600, 1, 2); move(600, 8, 16, 0); break;
    case 2: fill(16, 3, 3); break;
    case 3: move(16, 4, 700, MREMAP_DONTUNMAP); fill(700, 2, 4); break;
    case 4: fill(17, 1, 5); fill(701, 1, 6); break;
    }
}

// Pages written, then replaced by guard pages; the guard taken away again.
static void guarded(int step) {
    switch (step) {
    case 0: map(16, 64); fill(16, 64, 1); break;
    case 1: madvise(page(18), 2 * PAGE, MADV_GUARD_INSTALL); madvise(page(40), 30 * PAGE, MADV_GUARD_INSTALL); break;
    case 2: fill(16, 2, 2); break;
    case 3: madvise(page(18), 2 * PAGE, MADV_GUARD_REMOVE); madvise(page(40), 5 * PAGE, MADV_GUARD_REMOVE); fill(19, 1, 3); break;
    }
}

// Dropped and left so, dropped and read, dropped and written, in one mapping that grows.
static void dropped(int step) {
    switch (step) {
    case 0: map(512, 1024); fill(512, 1024, 1); break;
    case 1: madvise(page(520), PAGE, MADV_DONTNEED); madvise(page(530), 40 * PAGE, MADV_DONTNEED); madvise(page(1024), 512 * PAGE, MADV_DONTNEED); break;
    case 2: { volatile char c = *page(530) + *page(1030); (void)c; } fill(531, 1, 2); break;
    case 3: munmap(page(1536), PAGE); mremap(page(512), 1024 * PAGE, 1025 * PAGE, 0); fill(1536, 1, 3); break;
    case 4: fill(1025, 1, 4); fill(600, 1, 5); break;
    }
}

// The cost of a scan: MIB MiB, of which each step writes PERCENT percent, in pages scattered all over.
static size_t large_pages, large_percent;
static int large_kind = ANONYMOUS;
static void large(int step) {
    if (step == 0) { at = mmap(NULL, large_pages * PAGE, READ_WRITE, large_kind, -1, 0); madvise(at, large_pages * PAGE, MADV_NOHUGEPAGE); fill(0, large_pages, 1); }
    for (size_t i = 0; i < large_pages * large_percent / 100; i++) page((i * 2654435761u + (size_t)step * 7919) % large_pages)[step] = (char)(step + 1);
}

static void large_shared(int step) { large_kind = MAP_SHARED | MAP_ANONYMOUS; large(step); }

int main(int argc, char **argv) {
    static const struct { const char *name; void (*run)(int); } cases[] = {
        { "moved_to_neighbour", moved_to_neighbour }, { "moved_and_back", moved_and_back }, { "guarded", guarded }, { "dropped", dropped },
        { "large", large }, { "large_shared", large_shared },
    };
    at = mmap(NULL, 64 << 20, PROT_NONE, ANONYMOUS | MAP_NORESERVE, -1, 0);
    at = (char *)(((unsigned long)at + (2 << 20) - 1) & ~((2ul << 20) - 1));
    if (argc > 3) { large_pages = strtoul(argv[2], NULL, 10) * 256; large_percent = strtoul(argv[3], NULL, 10); }
    char byte;
    for (size_t i = 0; argc > 1 && i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].name, argv[1]) != 0) continue;
        for (int step = 0; read(0, &byte, 1) == 1; step++) {
            cases[i].run(step);
            if (write(1, &byte, 1) != 1) return 1;
        }
        return 0;
    }
    return 2;
}
