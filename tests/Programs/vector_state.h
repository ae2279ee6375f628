/* Live register state that only assembly can hold: every general register it can spare, x87, MXCSR, and the widest vectors the CPU has.
 * live_state loads a pattern, then spins and probes (both without touching a register of the pattern) until the probe has the wanted result, then stores
 * what it finds. A snapshot taken meanwhile interrupts it in user mode, or in the probe's system call. */
#ifndef VECTOR_STATE_H
#define VECTOR_STATE_H
#include "target.h"

#define MXCSR_LIVE 0xff80u /* round towards zero, flush to zero, all masked */
#define FCW_LIVE 0x0e7fu   /* round towards zero, double precision, all masked */

struct live {
    long number, argument0, argument1, argument2, wanted; /* 0..32 */
    long spins;                                           /* 40 */
    uint64_t general[8];                                  /* 48: r8 r9 r10 r12 r13 r14 r15 rbp(unused) */
    double x87[8];                                        /* 112 */
    uint32_t mxcsr;                                       /* 176 */
    uint16_t fcw, pad;                                    /* 180 */
    uint64_t mask[8];                                     /* 184: k0..k7 */
    unsigned char vector[32][64];                         /* 248 */
    unsigned char x87_out[8][16];                         /* 2296 */
};
_Static_assert(offsetof(struct live, vector) == 248 && offsetof(struct live, x87_out) == 2296, "the assembly below counts on it");

#define REPEAT8(M, base) M(base##0) M(base##1) M(base##2) M(base##3) M(base##4) M(base##5) M(base##6) M(base##7)
#define REPEAT16(M) M(0) M(1) M(2) M(3) M(4) M(5) M(6) M(7) M(8) M(9) M(10) M(11) M(12) M(13) M(14) M(15)
#define REPEAT32(M) REPEAT16(M) M(16) M(17) M(18) M(19) M(20) M(21) M(22) M(23) M(24) M(25) M(26) M(27) M(28) M(29) M(30) M(31)
#define REPEAT7(M) M(1) M(2) M(3) M(4) M(5) M(6) M(7)
#define LOAD_ZMM(i) "vmovdqu64 248+64*" #i "(%%rbx), %%zmm" #i "\n"
#define STORE_ZMM(i) "vmovdqu64 %%zmm" #i ", 248+64*" #i "(%%rbx)\n"
#define LOAD_YMM(i) "vmovdqu 248+64*" #i "(%%rbx), %%ymm" #i "\n"
#define STORE_YMM(i) "vmovdqu %%ymm" #i ", 248+64*" #i "(%%rbx)\n"
#define LOAD_XMM(i) "movdqu 248+64*" #i "(%%rbx), %%xmm" #i "\n"
#define STORE_XMM(i) "movdqu %%xmm" #i ", 248+64*" #i "(%%rbx)\n"
#define LOAD_MASK(i) "kmovq 184+8*" #i "(%%rbx), %%k" #i "\n"
#define STORE_MASK(i) "kmovq %%k" #i ", 184+8*" #i "(%%rbx)\n"

#define LOAD_COMMON                                                                                                          \
    "fninit\n fldcw 180(%%rbx)\n ldmxcsr 176(%%rbx)\n"                                                                       \
    "fldl 168(%%rbx)\n fldl 160(%%rbx)\n fldl 152(%%rbx)\n fldl 144(%%rbx)\n fldl 136(%%rbx)\n fldl 128(%%rbx)\n fldl 120(%%rbx)\n fldl 112(%%rbx)\n" \
    "movq 48(%%rbx), %%r8\n movq 56(%%rbx), %%r9\n movq 64(%%rbx), %%r10\n movq 72(%%rbx), %%r12\n"                          \
    "movq 80(%%rbx), %%r13\n movq 88(%%rbx), %%r14\n movq 96(%%rbx), %%r15\n"
#define SPIN_AND_PROBE                                                                                                       \
    "1: movq 40(%%rbx), %%rcx\n 2: pause\n decq %%rcx\n jnz 2b\n"                                                            \
    "movq 0(%%rbx), %%rax\n movq 8(%%rbx), %%rdi\n movq 16(%%rbx), %%rsi\n movq 24(%%rbx), %%rdx\n syscall\n"                \
    "cmpq 32(%%rbx), %%rax\n jne 1b\n"
#define STORE_COMMON                                                                                                         \
    "movq %%r8, 48(%%rbx)\n movq %%r9, 56(%%rbx)\n movq %%r10, 64(%%rbx)\n movq %%r12, 72(%%rbx)\n"                          \
    "movq %%r13, 80(%%rbx)\n movq %%r14, 88(%%rbx)\n movq %%r15, 96(%%rbx)\n"                                               \
    "stmxcsr 176(%%rbx)\n fnstcw 180(%%rbx)\n"                                                                               \
    "fstpt 2296(%%rbx)\n fstpt 2312(%%rbx)\n fstpt 2328(%%rbx)\n fstpt 2344(%%rbx)\n fstpt 2360(%%rbx)\n fstpt 2376(%%rbx)\n fstpt 2392(%%rbx)\n fstpt 2408(%%rbx)\n" \
    "fninit\n ldmxcsr %[normal]\n"
#define LIVE_ASM(load, store)                                                                                              \
    asm volatile(LOAD_COMMON load SPIN_AND_PROBE store STORE_COMMON                                                         \
                 : : "b"(live), [normal] "m"(normal_mxcsr)                                                                  \
                 : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc", \
                   "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
                   "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)")

static uint32_t normal_mxcsr = 0x1f80;

__attribute__((noinline, target("avx512f,avx512bw"))) static void live_zmm(struct live *live)
{
    LIVE_ASM(REPEAT32(LOAD_ZMM) REPEAT7(LOAD_MASK), REPEAT32(STORE_ZMM) REPEAT7(STORE_MASK) "vzeroupper\n");
}

__attribute__((noinline, target("avx"))) static void live_ymm(struct live *live)
{
    LIVE_ASM(REPEAT16(LOAD_YMM), REPEAT16(STORE_YMM) "vzeroupper\n");
}

__attribute__((noinline)) static void live_xmm(struct live *live)
{
    LIVE_ASM(REPEAT16(LOAD_XMM), REPEAT16(STORE_XMM));
}

static const char *vector_level(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") ? "avx512" : __builtin_cpu_supports("avx") ? "avx" : "sse";
}

static void prepare_live(struct live *live, uint64_t seed, struct probe probe, long spins)
{
    memset(live, 0, sizeof *live);
    live->number = probe.number;
    live->argument0 = probe.argument0;
    live->argument1 = probe.argument1;
    live->argument2 = probe.argument2;
    live->wanted = probe.wanted;
    live->spins = spins;
    fill_pattern(live->general, sizeof live->general, seed + 1000);
    for (int i = 0; i < 8; i++)
        live->x87[i] = (double)(seed % 1000) + i + 0.25;
    live->mxcsr = MXCSR_LIVE;
    live->fcw = FCW_LIVE;
    fill_pattern(live->mask, sizeof live->mask, seed + 2000);
    fill_pattern(live->vector, sizeof live->vector, seed + 3000);
}

/* Returns when the probe has its wanted result; what was found is compared with what was loaded. */
static void hold_and_compare(uint64_t seed, struct probe probe, long spins)
{
    struct live expected, found;
    prepare_live(&expected, seed, probe, spins);
    found = expected;
    const char *level = vector_level();
    if (!strcmp(level, "avx512"))
        live_zmm(&found);
    else if (!strcmp(level, "avx"))
        live_ymm(&found);
    else
        live_xmm(&found);
    static const char *const names[] = {"r8", "r9", "r10", "r12", "r13", "r14", "r15"};
    for (int i = 0; i < 7; i++)
        EXPECT_EQUAL(expected.general[i], found.general[i], names[i]);
    EXPECT_EQUAL(expected.mxcsr, found.mxcsr, "mxcsr");
    EXPECT_EQUAL(expected.fcw, found.fcw, "x87 control word");
    for (int i = 0; i < 8; i++) {
        long double value = 0;
        memcpy(&value, found.x87_out[i], 10);
        EXPECT((double)value == expected.x87[i], "st(%d): expected %f, found %f", i, expected.x87[i], (double)value);
    }
    for (int i = 1; i < 8; i++)
        EXPECT(expected.mask[i] == found.mask[i], "k%d", i);
    for (int i = 0; i < 32; i++)
        EXPECT(!memcmp(expected.vector[i], found.vector[i], 64), "vector register %d (%s)", i, level);
}
#endif
