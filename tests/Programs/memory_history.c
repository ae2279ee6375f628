// memory_history SEED MIB DIRECTORY [FLAGS [OPERATIONS]]: a target that changes its memory in every way that page tracking must see, for ever and at random.
// Prints "ready" when it runs. Threads: one makes and unmakes mappings, two write at random, one reads a file by O_DIRECT and buffered into memory.
// FLAGS: letters that switch things off: d = no O_DIRECT, f = no fork, t = no huge pages, a = no asynchronous threads ("-" for none).
// OPERATIONS: hex mask of the cases of step() that may happen, to find the one that a failure needs.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <signal.h>
#include "history.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_PAGEOUT
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif
enum { SLOTS = 24 };
static uint64_t operations = ~0ull;
static char *arena; static size_t arena_pages;
static struct { char *at; size_t pages; int kind; } slot[SLOTS];   // kind: 0 none, 1 anonymous, 2 private file
static char file_path[4096], data_path[4096];
static int file_fd, memory_fd, pages_pipe[2];
static size_t file_pages = 64;

// A truncated file takes pages of private mappings with it: touching them is SIGBUS, which the toucher survives.
static void on_bus(int sig) { (void)sig; if (guarded) siglongjmp(back, 1); _exit(99); }

// A writer that meets a page while another thread has it protected tries again until it may; who meets a guard page gives up.
static void on_segv(int sig) { (void)sig; if (guarded) siglongjmp(back, 1); usleep(10); }

static void deep(int n) { volatile char here[3000]; here[below(3000)] = (char)rnd(); if (n > 0) deep(n - 1); here[0]++; }

static void make(int i) {
    size_t pages = 1 + below(below(8) ? 64 : 1500);
    int kind = below(4) ? 1 : 2;
    char *at;
    if (kind == 1) at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    else { pages = 1 + below(file_pages); at = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file_fd, 0); }
    if (at == MAP_FAILED) return;
    if (kind == 1 && has('t') && below(3) == 0) madvise(at, pages * PAGE, MADV_HUGEPAGE);
    slot[i].at = at; slot[i].pages = pages; slot[i].kind = kind;
    if (below(2)) touch(at, (1 + below(pages)) * PAGE);
}

// Where slot i would lie right behind (or before) another one, with nothing there yet: mappings that meet may merge.
static char *place_beside(int i, int other, size_t n) {
    char *to = below(2) ? slot[other].at + slot[other].pages * PAGE : slot[other].at - n;
    (void)i;
    char *got = mmap(to, n, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == MAP_FAILED) return NULL;
    if (got != to) { munmap(got, n); return NULL; }
    return to;
}

// Written by the kernel on behalf of this process or another: through its own page tables, or through a view of the memory as a file.
static void written_from_outside(char *p, size_t n) {
    char bytes[PAGE]; memset(bytes, (int)rnd(), PAGE);
    size_t length = 1 + below(n > PAGE ? PAGE : n);
    struct iovec from = { bytes, length }, to = { p + below(n - length + 1), length };
    if (below(2)) { if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) < 0) {} return; }
    int readonly = below(2); // such pages become copies by force
    if (readonly) mprotect(p, n, PROT_READ);
    if (pwrite(memory_fd, bytes, length, (off_t)(uintptr_t)to.iov_base) < 0) {}
    if (readonly) mprotect(p, n, PROT_READ | PROT_WRITE);
}

// The pipe holds the page itself, not its bytes: written meanwhile, it becomes a copy or changes under the pipe.
static void lent_to_pipe(char *p) {
    char bytes[PAGE];
    struct iovec page = { p, PAGE };
    if (vmsplice(pages_pipe[1], &page, 1, SPLICE_F_NONBLOCK) != PAGE) return;
    touch(p, PAGE);
    if (below(2)) madvise(p, PAGE, MADV_DONTNEED);
    if (read(pages_pipe[0], below(2) ? bytes : p, PAGE) < 0) while (read(pages_pipe[0], bytes, PAGE) > 0) {}
}

static void step(void) {
    int i = (int)below(SLOTS);
    if (!slot[i].at) { make(i); return; }
    char *at = slot[i].at; size_t pages = slot[i].pages, first = below(pages), count = 1 + below(pages - first);
    if (below(3) == 0) { at = arena; pages = arena_pages; first = below(pages); count = 1 + below(pages - first < 600 ? pages - first : 600); i = -1; }
    char *p = at + first * PAGE; size_t n = count * PAGE;
    int operation = (int)below(36);
    if (!(operations >> operation & 1)) operation = (int)below(5);
    switch (operation) {
    case 0: case 1: case 2: case 3: case 4: touch(p, n > 64 * PAGE ? 64 * PAGE : n); break;
    case 5: madvise(p, n, MADV_DONTNEED); break;
    case 6: madvise(p, n, MADV_DONTNEED); touch(p, PAGE); break;
    case 7: madvise(p, n, MADV_FREE); if (below(2)) touch(p, PAGE); break;
    case 8: if (i >= 0) { munmap(slot[i].at, slot[i].pages * PAGE); slot[i].at = NULL; } break;
    case 9: if (i >= 0) { // unmap and map again at the same place
        if (mmap(slot[i].at, slot[i].pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED) slot[i].kind = 1;
        if (below(2)) touch(p, PAGE); } break;
    case 10: if (i >= 0) { size_t want = 1 + below(slot[i].pages * 2); if (slot[i].kind == 2 && want > file_pages) want = file_pages;
        char *moved = mremap(slot[i].at, slot[i].pages * PAGE, want * PAGE, MREMAP_MAYMOVE);
        if (moved != MAP_FAILED) { slot[i].at = moved; slot[i].pages = want; } } break;
    case 11: if (i >= 0) { // move for sure, onto a fresh place
        char *to = mmap(NULL, slot[i].pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (to == MAP_FAILED) break;
        char *moved = mremap(slot[i].at, slot[i].pages * PAGE, slot[i].pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
        if (moved != MAP_FAILED) slot[i].at = moved; } break;
    case 12: mprotect(p, n, PROT_READ); guarded = 1; if (sigsetjmp(back, 1) == 0) { volatile char c = *(volatile char *)p; (void)c; } guarded = 0; mprotect(p, n, PROT_READ | PROT_WRITE); break;
    case 13: mprotect(p, n, PROT_NONE); mprotect(p, n, PROT_READ | PROT_WRITE); break;
    case 14: { // the heap's end up, and down again if nobody moved it meanwhile
        static char *top; static intptr_t grown;
        intptr_t d = (intptr_t)(1 + below(40)) * PAGE;
        if (below(2) && grown >= d && sbrk(0) == top) { sbrk(-d); grown -= d; top -= d; }
        else { char *b = sbrk(d); if (b == (void *)-1) break; grown = b == top ? grown + d : d; top = b + d; memset(b, (int)rnd(), (size_t)d / 2); }
        break; }
    case 15: deep((int)below(60)); break;
    case 16: if (has('f') && below(4) == 0) { pid_t c = fork(); if (c == 0) { signal(SIGSEGV, SIG_DFL); memset(p, 1, n > 8 * PAGE ? 8 * PAGE : n); _exit(0); } if (c > 0) { touch(p, PAGE); waitpid(c, NULL, 0); } } break;
    case 17: if (below(8) == 0) { if (ftruncate(file_fd, (off_t)(below(file_pages) * PAGE))) {} if (ftruncate(file_fd, (off_t)(file_pages * PAGE))) {} } break;
    case 18: { uint64_t v = rnd(); if (pwrite(file_fd, &v, 8, (off_t)(below(file_pages) * PAGE)) < 0) {} break; }
    case 19: { char *q = malloc(1 + below(300000)); if (q) { q[0] = 1; memset(q, 7, below(1000)); free(q); } break; }
    case 20: if (i >= 0) { // move the pages, and leave an empty mapping behind
        char *to = mmap(NULL, slot[i].pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (to == MAP_FAILED) break;
        char *moved = mremap(slot[i].at, slot[i].pages * PAGE, slot[i].pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to);
        if (moved == MAP_FAILED) break;
        int k = 0; while (k < SLOTS && slot[k].at) k++;
        if (k < SLOTS) { slot[k] = slot[i]; if (below(2)) touch(slot[k].at, PAGE); } else munmap(slot[i].at, slot[i].pages * PAGE);
        slot[i].at = moved; } break;
    case 21: case 22: if (i >= 0) { // move up to a neighbour, written before or not
        int other = (int)below(SLOTS);
        if (other == i || !slot[other].at) break;
        char *to = place_beside(i, other, slot[i].pages * PAGE);
        if (!to) break;
        char *moved = mremap(slot[i].at, slot[i].pages * PAGE, slot[i].pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
        if (moved != MAP_FAILED) slot[i].at = moved; else munmap(to, slot[i].pages * PAGE);
        if (below(2)) touch(slot[other].at, slot[other].pages * PAGE > 16 * PAGE ? 16 * PAGE : slot[other].pages * PAGE); } break;
    case 23: if (i >= 0) { // a new mapping beside an old one
        int k = 0; while (k < SLOTS && slot[k].at) k++;
        if (k == SLOTS) break;
        size_t m = 1 + below(32);
        char *to = place_beside(k, i, m * PAGE);
        if (!to) break;
        mprotect(to, m * PAGE, PROT_READ | PROT_WRITE);
        slot[k].at = to; slot[k].pages = m; slot[k].kind = 1;
        if (below(2)) touch(to, m * PAGE); } break;
    case 24: if (i >= 0) { if (madvise(p, n, MADV_GUARD_INSTALL) == 0 && below(2)) madvise(p, n, MADV_GUARD_REMOVE); } break;
    case 25: if (i >= 0) { madvise(slot[i].at, slot[i].pages * PAGE, MADV_GUARD_REMOVE); } break;
    case 26: if (has('t')) madvise(p, n, MADV_COLLAPSE); break;
    case 27: madvise(p, n > 64 * PAGE ? 64 * PAGE : n, below(2) ? MADV_POPULATE_READ : MADV_POPULATE_WRITE); break;
    case 28: case 29: madvise(p, n, MADV_PAGEOUT); if (below(2)) touch(p, PAGE); break; // swap where there is some; file pages anywhere
    case 30: madvise(p, n, below(2) ? MADV_COLD : MADV_WILLNEED); break;
    case 31: case 32: written_from_outside(p, n > 8 * PAGE ? 8 * PAGE : n); break;
    case 33: if (i >= 0) madvise(slot[i].at, slot[i].pages * PAGE, below(4) ? MADV_MERGEABLE : MADV_UNMERGEABLE); break;
    case 34: n = n > 64 * PAGE ? 64 * PAGE : n; if (mlock(p, n) == 0 && below(4)) munlock(p, n); break;
    case 35: lent_to_pipe(p); break;
    }
}

static void *writer(void *seed) {
    state = (uint64_t)(uintptr_t)seed;
    for (;;) {
        size_t first = below(arena_pages), n = 1 + below(4); if (first + n > arena_pages) n = 1;
        *(volatile uint64_t *)(arena + first * PAGE + below(512) * 8) = rnd();
        if (below(50) == 0) touch(arena + first * PAGE, n * PAGE);
        if (below(20) == 0) usleep(100);
    }
    return NULL;
}

static void *reader(void *seed) {
    state = (uint64_t)(uintptr_t)seed;
    int direct = has('d') ? open(data_path, O_RDONLY | O_DIRECT) : -1, plain = open(data_path, O_RDONLY);
    for (;;) {
        size_t first = below(arena_pages - 16), n = 1 + below(16);
        ssize_t got = pread(direct >= 0 && below(2) ? direct : plain, arena + first * PAGE, n * PAGE, (off_t)(below(200) * PAGE));
        (void)got;
        usleep(50);
    }
    return NULL;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    uint64_t seed = strtoull(argv[1], NULL, 10) * 2654435761u + 88172645463325252ull;
    arena_pages = strtoull(argv[2], NULL, 10) * 256;
    if (argc > 4) off = argv[4];
    if (argc > 5) operations = strtoull(argv[5], NULL, 16);
    state = seed;
    struct sigaction sa = { .sa_handler = on_bus, .sa_flags = SA_NODEFER }; sigaction(SIGBUS, &sa, NULL);
    struct sigaction again = { .sa_handler = on_segv, .sa_flags = SA_NODEFER }; sigaction(SIGSEGV, &again, NULL);
    snprintf(file_path, sizeof file_path, "%s/map.%d", argv[3], getpid()); snprintf(data_path, sizeof data_path, "%s/data.%d", argv[3], getpid());
    file_fd = open(file_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    int data = open(data_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file_fd < 0 || data < 0 || ftruncate(file_fd, (off_t)(file_pages * PAGE))) return 3;
    memory_fd = open("/proc/self/mem", O_RDWR);
    if (memory_fd < 0 || pipe2(pages_pipe, O_NONBLOCK)) return 5;
    char buffer[PAGE];
    for (int i = 0; i < 256; i++) { for (int k = 0; k < PAGE; k++) buffer[k] = (char)rnd(); if (write(data, buffer, PAGE) != PAGE) return 4; }
    close(data);
    arena = mmap(NULL, arena_pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (has('t')) madvise(arena, arena_pages * PAGE / 2, MADV_HUGEPAGE); else madvise(arena, arena_pages * PAGE, MADV_NOHUGEPAGE);
    pthread_t t;
    if (has('a')) {
        pthread_create(&t, NULL, writer, (void *)(uintptr_t)(seed + 1)); pthread_create(&t, NULL, writer, (void *)(uintptr_t)(seed + 2));
        pthread_create(&t, NULL, reader, (void *)(uintptr_t)(seed + 3));
    }
    puts("ready"); fflush(stdout);
    for (;;) { step(); if (below(30) == 0) usleep(200); }
}
