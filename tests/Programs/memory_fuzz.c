/* memory_fuzz CHANNEL DIRECTORY [+FEATURE | -FEATURE]...: random histories of an address space, the same for the same seed and features.
 *   step SEED N            N operations; answers "step SEED N" when they are done, and then nothing moves
 *   start SEED WRITERS US  operations without end in a thread of its own, US microseconds apart, and WRITERS threads that write without a pause into an
 *                          arena whose pages are dropped under them; answers "start"
 *   pause                  stops them between two operations; answers "pause N" with the number made so far
 *   check                  what must hold of any memory: sentinels in pages that no operation touches
 * It knows no expected contents: who tests a tracker reads the whole memory from outside while the target stands still, and compares.
 *
 * Always: writes, reads of holes (zero pages), MADV_DONTNEED, MADV_FREE, munmap and mmap at one place, mremap (grow, shrink, move, DONTUNMAP), mprotect of
 * wholes and parts, brk up and down, deep stacks, huge pages (advised, collapsed, split), MADV_POPULATE, mlock, buffered read(2) and process_vm_writev into
 * pages, private file mappings. Features that can be switched:
 *   fork (on)       a child writes into its copy of everything while the parent writes on
 *   truncate (on)   files under private mappings shrink and grow
 *   shared (off)    shared anonymous memory, memfd, written through mapping and descriptor, punched
 *   filewrite (off) files under private mappings are written to
 *   direct (off)    O_DIRECT reads into pages
 *   guard (off)     guard regions (Linux 6.13) that come and go */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include "target.h"

#define PAGE 4096ul
#define HUGE_PAGE (2ul << 20)
#define SLOTS 24
#define MAX_PAGES 1200
#define ARENA_PAGES 4096
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#define MADV_GUARD_REMOVE 103
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

enum kind { NOTHING, ANONYMOUS, HUGE, PRIVATE_FILE, SHARED, MEMFD };
struct slot {
    unsigned char *start;
    size_t pages;
    enum kind kind;
    int protection;
    int file;          /* PRIVATE_FILE, MEMFD: kept open */
    size_t file_pages; /* what may be touched without SIGBUS */
};

static struct { int fork, truncate, shared, filewrite, direct, guard; } features = {1, 1, 0, 0, 0, 0};
static struct slot slots[SLOTS];
static unsigned char *arena, *sentinels;
static char *brk_start;
static size_t brk_pages;
static int direct_file = -1, source_file = -1;
static const char *directory;
static uint64_t state;
static uint64_t operations;

static uint64_t draw(uint64_t below)
{
    state += 0x9e3779b97f4a7c15;
    return mix(state) % below;
}

static unsigned char *at(struct slot *slot, size_t page)
{
    return slot->start + page * PAGE;
}

/* Pages that may be touched. */
static size_t usable(struct slot *slot)
{
    return slot->kind == PRIVATE_FILE || slot->kind == MEMFD ? (slot->pages < slot->file_pages ? slot->pages : slot->file_pages) : slot->pages;
}

static void make_slot(struct slot *slot, void *where)
{
    enum kind kinds[] = {ANONYMOUS, ANONYMOUS, ANONYMOUS, HUGE, PRIVATE_FILE, SHARED, MEMFD};
    enum kind kind = kinds[draw(features.shared ? 7 : 5)];
    size_t pages = 1 + draw(kind == HUGE ? MAX_PAGES : 200);
    int flags = (where ? MAP_FIXED_NOREPLACE : 0) | (draw(4) ? 0 : MAP_NORESERVE) | (draw(8) ? 0 : MAP_POPULATE);
    int number = (int)(slot - slots);
    *slot = (struct slot){.pages = pages, .kind = kind, .protection = PROT_READ | PROT_WRITE, .file = -1, .file_pages = pages};
    char path[512];
    switch (kind) {
    case HUGE:
        slot->start = mmap(where, pages * PAGE + (where ? 0 : HUGE_PAGE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
        if (slot->start != MAP_FAILED && !where) { /* begin at a huge page's boundary */
            unsigned char *aligned = (unsigned char *)(((uintptr_t)slot->start + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
            if (aligned > slot->start)
                munmap(slot->start, aligned - slot->start);
            munmap(aligned + pages * PAGE, slot->start + HUGE_PAGE - aligned);
            slot->start = aligned;
        }
        if (slot->start != MAP_FAILED)
            madvise(slot->start, pages * PAGE, MADV_HUGEPAGE);
        break;
    case PRIVATE_FILE:
        snprintf(path, sizeof path, "%s/private.%d", directory, number);
        slot->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        MUST(slot->file >= 0 && ftruncate(slot->file, pages * PAGE) == 0);
        for (size_t page = 0; page < pages; page += 1 + draw(4)) {
            uint64_t words[PAGE / 8];
            fill_pattern(words, sizeof words, draw(1u << 30));
            MUST(pwrite(slot->file, words, PAGE, page * PAGE) == (ssize_t)PAGE);
        }
        slot->start = mmap(where, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | flags, slot->file, 0);
        break;
    case MEMFD:
        slot->file = memfd_create("fuzz", MFD_CLOEXEC);
        MUST(slot->file >= 0 && ftruncate(slot->file, pages * PAGE) == 0);
        slot->start = mmap(where, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | flags, slot->file, 0);
        break;
    default:
        slot->start = mmap(where, pages * PAGE, PROT_READ | PROT_WRITE, (kind == SHARED ? MAP_SHARED : MAP_PRIVATE) | MAP_ANONYMOUS | flags, -1, 0);
        break;
    }
    if (slot->start == MAP_FAILED) {
        MUST(where); /* a hole may be too small for what comes back; elsewhere there is room */
        if (slot->file >= 0)
            close(slot->file);
        slot->kind = NOTHING;
    }
}

static void drop_slot(struct slot *slot)
{
    MUST(munmap(slot->start, slot->pages * PAGE) == 0);
    if (slot->file >= 0)
        close(slot->file);
    slot->kind = NOTHING;
}

static void write_words(unsigned char *start, size_t pages)
{
    for (size_t i = 1 + draw(32); i > 0; i--)
        *(volatile uint64_t *)(start + draw(pages) * PAGE + draw(PAGE / 8) * 8) = draw(UINT64_MAX);
}

static void read_bytes(unsigned char *start, size_t pages)
{
    for (size_t i = 1 + draw(32); i > 0; i--)
        (void)*(volatile unsigned char *)(start + draw(pages) * PAGE);
}

static void use_stack(size_t pages)
{
    volatile unsigned char words[PAGE];
    words[draw(PAGE)] = (unsigned char)draw(256);
    if (pages)
        use_stack(pages - 1);
    words[0]++;
}

static void use_brk(void)
{
    size_t wanted = draw(256);
    if ((char *)syscall(SYS_brk, brk_start + wanted * PAGE) != brk_start + wanted * PAGE)
        return;
    brk_pages = wanted;
    if (brk_pages)
        write_words((unsigned char *)brk_start, brk_pages);
}

static void fork_and_write(struct slot *slot, size_t pages)
{
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0) {
        for (size_t page = 0; page < pages; page += 1 + draw(3))
            at(slot, page)[draw(PAGE)] ^= 0xff;
        _exit(0);
    }
    write_words(slot->start, pages);
    while (waitpid(child, 0, 0) < 0)
        MUST(errno == EINTR);
    write_words(slot->start, pages);
}

static void remap(struct slot *slot)
{
    if (slot->kind == PRIVATE_FILE || slot->kind == MEMFD || slot->protection != (PROT_READ | PROT_WRITE))
        return;
    size_t wanted = 1 + draw(slot->kind == HUGE ? MAX_PAGES : 300);
    if (slot->kind == SHARED && wanted > slot->pages)
        wanted = slot->pages; /* shared memory doesn't grow: SIGBUS behind its end */
    void *moved;
    switch (draw(3)) {
    case 0:
        moved = mremap(slot->start, slot->pages * PAGE, wanted * PAGE, MREMAP_MAYMOVE);
        break;
    case 1: {
        void *hole = mmap(0, wanted * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST(hole != MAP_FAILED);
        moved = mremap(slot->start, slot->pages * PAGE, wanted * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, hole);
        if (moved == MAP_FAILED)
            munmap(hole, wanted * PAGE);
        break;
    }
    default:
        if (slot->kind == SHARED)
            return;
        wanted = slot->pages;
        moved = mremap(slot->start, slot->pages * PAGE, wanted * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
        if (moved != MAP_FAILED) {
            write_words(slot->start, slot->pages); /* what stays behind is an empty mapping */
            munmap(slot->start, slot->pages * PAGE);
        }
        break;
    }
    if (moved == MAP_FAILED) {
        /* Two mappings that would be one if nobody tracked them: documented (EFAULT), and no content is lost. */
        MUST(errno == EFAULT || errno == EINVAL || errno == ENOMEM);
        return;
    }
    slot->start = moved;
    slot->pages = wanted;
    slot->file_pages = wanted;
}

static void truncate_file(struct slot *slot)
{
    if (slot->file < 0)
        return;
    size_t wanted = draw(slot->pages + 1);
    MUST(ftruncate(slot->file, wanted * PAGE) == 0);
    slot->file_pages = wanted;
    if (draw(2)) {
        MUST(ftruncate(slot->file, slot->pages * PAGE) == 0);
        slot->file_pages = slot->pages;
    }
}

static void operate(void)
{
    struct slot *slot = &slots[draw(SLOTS)];
    if (slot->kind == NOTHING) {
        make_slot(slot, 0);
        return;
    }
    size_t limit = usable(slot);
    int writable = slot->protection & PROT_WRITE, readable = slot->protection & PROT_READ;
    size_t first = draw(slot->pages), count = 1 + draw(slot->pages - first);
    size_t touch_first = limit ? draw(limit) : 0, touch_count = limit ? 1 + draw(limit - touch_first) : 0;
    unsigned char *range = at(slot, first), *touch = at(slot, touch_first);
    switch (draw(32)) {
    case 0 ... 7:
        if (writable && limit)
            write_words(touch, touch_count);
        break;
    case 8 ... 9:
        if (writable && limit && touch_count < 128)
            memset(touch, (int)draw(256), touch_count * PAGE);
        break;
    case 10 ... 11:
        if (readable && limit)
            read_bytes(touch, touch_count);
        break;
    case 12 ... 13:
        madvise(range, count * PAGE, MADV_DONTNEED);
        if (draw(2) && readable && limit)
            read_bytes(slot->start, limit);
        break;
    case 14:
        if (slot->kind == ANONYMOUS || slot->kind == HUGE)
            madvise(range, count * PAGE, MADV_FREE);
        break;
    case 15: {
        unsigned char *start = slot->start;
        drop_slot(slot);
        if (draw(2))
            make_slot(slot, start); /* a new mapping at the old place */
        break;
    }
    case 16: /* the end, or the start, is unmapped */
        if (slot->pages > 1 && slot->file < 0) {
            size_t cut = 1 + draw(slot->pages - 1);
            if (draw(2)) {
                munmap(slot->start, cut * PAGE);
                slot->start += cut * PAGE;
            } else
                munmap(at(slot, slot->pages - cut), cut * PAGE);
            slot->pages -= cut;
            slot->file_pages = slot->pages;
        }
        break;
    case 17 ... 18:
        remap(slot);
        break;
    case 19: {
        static const int protections[] = {PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE};
        slot->protection = protections[draw(4)];
        MUST(mprotect(slot->start, slot->pages * PAGE, slot->protection) == 0);
        break;
    }
    case 20: /* a part, there and back: mappings split and merge */
        MUST(mprotect(range, count * PAGE, draw(2) ? PROT_READ : PROT_NONE) == 0);
        MUST(mprotect(range, count * PAGE, slot->protection) == 0);
        break;
    case 21:
        use_brk();
        break;
    case 22:
        use_stack(draw(64));
        break;
    case 23:
        if (features.fork && writable && limit && draw(4) == 0)
            fork_and_write(slot, limit);
        break;
    case 24:
        if (slot->kind == HUGE || slot->kind == ANONYMOUS)
            madvise(range, count * PAGE, draw(3) ? MADV_COLLAPSE : draw(2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
        break;
    case 25:
        if (writable && limit && touch_count <= 64) /* buffered: the kernel writes into pages */
            MUST(pread(source_file, touch, touch_count * PAGE, draw(64) * PAGE) >= 0);
        break;
    case 26:
        if (writable && limit) {
            uint64_t words[64];
            fill_pattern(words, sizeof words, draw(1u << 30));
            struct iovec from = {words, sizeof words}, to = {touch + draw(7) * 512, sizeof words};
            process_vm_writev(getpid(), &from, 1, &to, 1, 0);
        }
        break;
    case 27:
        if (features.truncate && draw(2))
            truncate_file(slot);
        break;
    case 28:
        if (writable && limit)
            madvise(touch, touch_count * PAGE, draw(2) ? 22 /* MADV_POPULATE_READ */ : 23 /* MADV_POPULATE_WRITE */);
        break;
    case 29:
        if (readable && limit && touch_count <= 16) {
            mlock(touch, touch_count * PAGE);
            munlock(touch, touch_count * PAGE);
        }
        break;
    case 30:
        if (features.direct && writable && limit)
            for (int i = 0; i < 4; i++) {
                size_t many = touch_count < 64 ? touch_count : 64;
                MUST(pread(direct_file, touch, many * PAGE, draw(64) * PAGE) == (ssize_t)(many * PAGE) || errno == EFAULT || errno == EINVAL);
            }
        else if (features.guard && (slot->kind == ANONYMOUS || slot->kind == HUGE)) {
            if (madvise(range, count * PAGE, MADV_GUARD_INSTALL) == 0)
                MUST(madvise(range, count * PAGE, MADV_GUARD_REMOVE) == 0);
        }
        break;
    default:
        if (features.shared && slot->kind == MEMFD && limit) {
            if (draw(2))
                MUST(pwrite(slot->file, &state, sizeof state, draw(limit) * PAGE) == sizeof state);
            else
                fallocate(slot->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, touch_first * PAGE, touch_count * PAGE);
        } else if (features.filewrite && slot->kind == PRIVATE_FILE && limit)
            MUST(pwrite(slot->file, &state, sizeof state, draw(limit) * PAGE) == sizeof state);
        /* The arena is dropped under the writers' hands. */
        size_t from = draw(ARENA_PAGES);
        madvise(arena + from * PAGE, (1 + draw(ARENA_PAGES - from)) / (1 + draw(16)) * PAGE, draw(2) ? MADV_DONTNEED : MADV_FREE);
        break;
    }
}

static pthread_mutex_t running = PTHREAD_MUTEX_INITIALIZER; /* held while paused */
static pthread_rwlock_t writing = PTHREAD_RWLOCK_INITIALIZER;
static volatile long pause_us = -1;
static volatile int writers;

static void *fuzz_on(void *argument)
{
    for (;;) {
        pthread_mutex_lock(&running);
        operate();
        __atomic_add_fetch(&operations, 1, __ATOMIC_SEQ_CST);
        pthread_mutex_unlock(&running);
        if (pause_us > 0)
            usleep(pause_us);
        else
            sched_yield();
    }
    return argument;
}

static void *write_on(void *argument)
{
    long me = (long)argument;
    uint64_t mine = 99 + me;
    for (;;) {
        pthread_rwlock_rdlock(&writing);
        if (me < writers)
            for (int i = 0; i < 64; i++) {
                mine = mix(mine);
                volatile uint64_t *word = (uint64_t *)(arena + mine % (ARENA_PAGES * PAGE / 8) * 8);
                *word = mine;
            }
        pthread_rwlock_unlock(&writing);
        usleep(me < writers ? 20 : 5000);
    }
    return 0;
}

static int is_running;
static void set_running(int wanted)
{
    if (wanted == is_running)
        return;
    is_running = wanted;
    if (wanted) {
        pthread_mutex_unlock(&running);
        pthread_rwlock_unlock(&writing);
    } else {
        pthread_mutex_lock(&running);
        pthread_rwlock_wrlock(&writing);
    }
}

static int other(const char *command)
{
    unsigned long long seed, count;
    int threads;
    long us;
    if (sscanf(command, "step %llu %llu", &seed, &count) == 2) {
        set_running(0);
        state = mix(seed);
        for (uint64_t i = 0; i < count; i++, operations++)
            operate();
        for (uint64_t i = 0; i < count; i++)
            *(volatile uint64_t *)(arena + draw(ARENA_PAGES * PAGE / 8) * 8) = i;
        say("step %llu %llu", seed, count);
    } else if (sscanf(command, "start %llu %d %ld", &seed, &threads, &us) == 3) {
        set_running(0);
        state = mix(seed);
        writers = threads;
        pause_us = us;
        set_running(1);
        say("start");
    } else if (!strcmp(command, "pause")) {
        set_running(0);
        say("pause %llu", (unsigned long long)operations);
    } else
        return 0;
    return 1;
}

static void check(void)
{
    for (size_t page = 0; page < 64; page++) {
        long difference = find_difference(sentinels + page * PAGE, PAGE, page);
        EXPECT(difference < 0, "sentinel page %zu at byte %ld", page, difference);
    }
}

static void set_feature(const char *text)
{
    int on = text[0] == '+';
    int *chosen = !strcmp(text + 1, "fork") ? &features.fork : !strcmp(text + 1, "truncate") ? &features.truncate : !strcmp(text + 1, "shared") ? &features.shared
        : !strcmp(text + 1, "filewrite") ? &features.filewrite : !strcmp(text + 1, "direct") ? &features.direct : !strcmp(text + 1, "guard") ? &features.guard : 0;
    MUST(chosen);
    *chosen = on;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(argc > 2);
    directory = argv[2];
    for (int i = 3; i < argc; i++)
        set_feature(argv[i]);
    char path[512];
    snprintf(path, sizeof path, "%s/source", directory);
    source_file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    MUST(source_file >= 0);
    static uint64_t block[PAGE / 8];
    for (size_t page = 0; page < 128; page++) {
        fill_pattern(block, sizeof block, 5000 + page);
        MUST(pwrite(source_file, block, PAGE, page * PAGE) == (ssize_t)PAGE);
    }
    if (features.direct) {
        MUST(fsync(source_file) == 0);
        direct_file = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
        if (direct_file < 0)
            UNAVAILABLE("no O_DIRECT in %s: %s", directory, strerror(errno));
    }
    arena = mmap(0, ARENA_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sentinels = mmap(0, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(arena != MAP_FAILED && sentinels != MAP_FAILED);
    for (size_t page = 0; page < 64; page++)
        fill_pattern(sentinels + page * PAGE, PAGE, page);
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&writing, &attributes);
    pthread_mutex_lock(&running);
    pthread_rwlock_wrlock(&writing);
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 20);
    pthread_t thread;
    MUST(pthread_create(&thread, &small, fuzz_on, 0) == 0);
    for (long i = 0; i < 4; i++)
        MUST(pthread_create(&thread, &small, write_on, (void *)i) == 0);
    /* malloc uses brk: from here on nobody may call it. */
    brk_start = (char *)(((uintptr_t)sbrk(0) + PAGE - 1) & ~(PAGE - 1));
    serve(check, other);
}
