// shared_history SEED [FLAGS]: a target whose shared memory changes in every way there is, for ever and at random: stores through several views, write(2),
// holes punched, cut short and grown, dropped, made and given up, sealed; by two threads of it, by children that come and go, and by a process outside that
// inherited some of the objects. All of them are in one session. Prints "ready" when it runs. FLAGS: o = no process outside, f = no children.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "history.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
enum { SLOTS = 8, MOST = 300 };
// fd -1: shared anonymous. The first two are never given up: the process outside has them.
static struct { char *volatile view[2]; int fd; size_t pages; int is_sealed; } slot[SLOTS];

static void on_fault(int sig) { (void)sig; if (guarded) siglongjmp(back, 1); _exit(99); }

static void store_somewhere(int i) {
    char *view = slot[i].view[below(2)];
    if (!view || slot[i].is_sealed) return;
    size_t first = below(slot[i].pages), count = 1 + below(8);
    touch(view + first * PAGE, (first + count > slot[i].pages ? 1 : count) * PAGE);
}

static void make(int i) {
    size_t pages = 1 + below(MOST);
    int fd = -1;
    char *first;
    if (below(3)) {
        fd = memfd_create("history", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (fd < 0 || ftruncate(fd, (off_t)(pages * PAGE))) return;
        first = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    } else {
        first = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    }
    if (first == MAP_FAILED) { if (fd >= 0) close(fd); return; }
    // A second view of it; an old size of zero makes mremap copy a shared mapping.
    char *second = fd >= 0 ? mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : mremap(first, 0, pages * PAGE, MREMAP_MAYMOVE);
    slot[i].pages = pages; slot[i].fd = fd; slot[i].is_sealed = 0;
    slot[i].view[1] = second == MAP_FAILED ? NULL : second;
    slot[i].view[0] = first;
}

static void give_up(int i) {
    for (int k = 0; k < 2; k++) if (slot[i].view[k]) { munmap(slot[i].view[k], slot[i].pages * PAGE); slot[i].view[k] = NULL; }
    if (slot[i].fd >= 0) close(slot[i].fd);
    slot[i].fd = -1;
}

static void step(void) {
    int i = (int)below(SLOTS), fd = slot[i].fd;
    if (!slot[i].view[0]) { make(i); return; }
    size_t first = below(slot[i].pages), count = 1 + below(slot[i].pages - first);
    char bytes[PAGE]; memset(bytes, (int)rnd(), PAGE);
    switch (below(16)) {
    case 0: case 1: case 2: case 3: store_somewhere(i); break;
    case 4: case 5: if (fd >= 0 && pwrite(fd, bytes, 1 + below(PAGE), (off_t)(first * PAGE + below(PAGE))) < 0) {} break;
    case 6: if (fd >= 0 && fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(first * PAGE), (off_t)(count * PAGE))) {} break;
    case 7: if (!slot[i].is_sealed) madvise(slot[i].view[0] + first * PAGE, count * PAGE, MADV_REMOVE); break;
    case 8: if (fd >= 0 && ftruncate(fd, (off_t)(below(slot[i].pages * PAGE)))) {} break;
    case 9: if (fd >= 0 && ftruncate(fd, (off_t)(slot[i].pages * PAGE))) {} break;
    case 10: if (fd >= 0 && fallocate(fd, 0, (off_t)(first * PAGE), (off_t)PAGE)) {} break;
    case 11: if (i >= 2) give_up(i); break;
    case 12: madvise(slot[i].view[0] + first * PAGE, count * PAGE, below(2) ? MADV_PAGEOUT : MADV_DONTNEED); break;
    case 13: if (i >= 2 && fd >= 0 && !slot[i].is_sealed && below(4) == 0) { // nobody can change it any more
        slot[i].is_sealed = 1;
        for (int k = 0; k < 2; k++) if (slot[i].view[k]) munmap(slot[i].view[k], slot[i].pages * PAGE);
        slot[i].view[1] = NULL;
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK)) {}
        slot[i].view[0] = mmap(NULL, slot[i].pages * PAGE, PROT_READ, MAP_SHARED, fd, 0);
        if (slot[i].view[0] == MAP_FAILED) slot[i].view[0] = NULL;
        else if (below(2)) { close(fd); slot[i].fd = -1; } } break;
    case 14: if (has('f') && below(4) == 0) { // a child that reads a page first, so that its stores make no fault, and is gone soon
        pid_t child = fork();
        if (child == 0) { for (int k = 0; k < 20; k++) { store_somewhere((int)below(SLOTS)); usleep(50); } _exit(0); }
        if (child > 0) waitpid(child, NULL, 0); } break;
    case 15: { char *moved = mremap(slot[i].view[0], slot[i].pages * PAGE, slot[i].pages * PAGE, MREMAP_MAYMOVE); if (moved != MAP_FAILED) slot[i].view[0] = moved; break; }
    }
}

static void *writer(void *seed) {
    state = (uint64_t)(uintptr_t)seed;
    for (;;) { store_somewhere((int)below(SLOTS)); usleep(50); }
    return NULL;
}

static void be_outside(uint64_t seed) {
    state = seed;
    for (;;) {
        int i = (int)below(2);
        store_somewhere(i);
        if (slot[i].fd >= 0 && below(4) == 0 && pwrite(slot[i].fd, &seed, 8, (off_t)(below(slot[i].pages) * PAGE)) < 0) {}
        usleep(100);
    }
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    uint64_t seed = strtoull(argv[1], NULL, 10) * 2654435761u + 88172645463325252ull;
    if (argc > 2) off = argv[2];
    state = seed;
    for (int i = 0; i < SLOTS; i++) slot[i].fd = -1;
    struct sigaction sa = { .sa_handler = on_fault, .sa_flags = SA_NODEFER };
    sigaction(SIGBUS, &sa, NULL); sigaction(SIGSEGV, &sa, NULL);
    while (!slot[0].view[0] || slot[0].fd < 0) make(0);
    while (!slot[1].view[0]) make(1);
    if (has('o')) {
        pid_t middle = fork();
        if (middle == 0) { if (fork() == 0) be_outside(seed + 7); _exit(0); }
        waitpid(middle, NULL, 0);
    }
    pthread_t t;
    pthread_create(&t, NULL, writer, (void *)(uintptr_t)(seed + 1));
    puts("ready"); fflush(stdout);
    for (;;) { step(); if (below(10) == 0) usleep(100); }
}
