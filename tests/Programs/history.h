// What the programs that change memory at random share: random numbers, switches, and stores that survive that the memory goes away.
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

enum { PAGE = 4096 };
static const char *off = "";
static int has(char c) { return strchr(off, c) == NULL; }

static __thread uint64_t state;
static uint64_t rnd(void) { state ^= state << 13; state ^= state >> 7; state ^= state << 17; return state; }
static uint64_t below(uint64_t n) { return rnd() % n; }

// A handler of SIGBUS or SIGSEGV jumps back where guarded is set.
static __thread sigjmp_buf back;
static __thread volatile int guarded;

// Writes or reads n bytes in one of four ways. Another thread may take the memory away meanwhile, or cut the file or object short.
static void touch(char *p, size_t n) {
    guarded = 1;
    if (sigsetjmp(back, 1) == 0) {
        switch (below(4)) {
        case 0: *(volatile uint64_t *)(p + below(n / 8) * 8) = rnd(); break;
        case 1: memset(p, (int)rnd(), n); break;
        case 2: for (size_t i = 0; i < n; i += PAGE) *(volatile uint32_t *)(p + i + below(1000) * 4) = (uint32_t)rnd(); break;
        case 3: { volatile char sum = 0; for (size_t i = 0; i < n; i += PAGE) sum += p[i]; break; }
        }
    }
    guarded = 0;
}
