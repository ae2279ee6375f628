/* direct_io CHANNEL DIRECTORY [THREADS]: threads that read a file with O_DIRECT into their memory without a pause: the data lands by DMA, unseen by any page
 * table. Each block of the file tells its number, so that a check knows what each page must hold. */
#include <pthread.h>
#include <sys/mman.h>
#include "target.h"

#define PAGE 4096ul
#define BLOCKS 512ul /* of the file */
#define SLOTS 256ul  /* pages of a thread's buffer */
#define MAX_THREADS 16
static int file, threads;
static unsigned char *buffers[MAX_THREADS];
static uint32_t holds[MAX_THREADS][SLOTS]; /* which block lies where; 0: none yet */
static pthread_rwlock_t still = PTHREAD_RWLOCK_INITIALIZER;

static void *read_on(void *argument)
{
    long me = (long)argument;
    uint64_t state = 7 + me;
    for (;;) {
        state = mix(state);
        uint64_t block = state % (BLOCKS - 8), slot = (state >> 20) % (SLOTS - 8), count = 1 + (state >> 40) % 8;
        pthread_rwlock_rdlock(&still);
        ssize_t got = pread(file, buffers[me] + slot * PAGE, count * PAGE, block * PAGE);
        if (got != (ssize_t)(count * PAGE))
            abort();
        for (uint64_t i = 0; i < count; i++)
            holds[me][slot + i] = (uint32_t)(block + i + 1);
        pthread_rwlock_unlock(&still);
    }
    return 0;
}

static void check(void)
{
    pthread_rwlock_wrlock(&still);
    for (int me = 0; me < threads; me++)
        for (uint64_t slot = 0; slot < SLOTS; slot++)
            if (holds[me][slot])
                EXPECT(find_difference(buffers[me] + slot * PAGE, PAGE, holds[me][slot] - 1) < 0, "thread %d, page %llu should hold block %u", me,
                       (unsigned long long)slot, holds[me][slot] - 1);
    pthread_rwlock_unlock(&still);
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(argc > 2);
    threads = argc > 3 ? atoi(argv[3]) : 2;
    char path[512];
    snprintf(path, sizeof path, "%s/blocks", argv[2]);
    int writer = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(writer >= 0);
    static uint64_t words[PAGE / 8];
    for (size_t block = 0; block < BLOCKS; block++) {
        fill_pattern(words, PAGE, block);
        MUST(write(writer, words, PAGE) == (ssize_t)PAGE);
    }
    MUST(fsync(writer) == 0);
    close(writer);
    file = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    if (file < 0)
        UNAVAILABLE("no O_DIRECT in %s: %s", argv[2], strerror(errno));
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&still, &attributes);
    for (long i = 0; i < threads; i++) {
        buffers[i] = mmap(0, SLOTS * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST(buffers[i] != MAP_FAILED);
        pthread_t thread;
        MUST(pthread_create(&thread, 0, read_on, (void *)i) == 0);
    }
    serve(check, 0);
}
