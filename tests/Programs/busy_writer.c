/* busy_writer CHANNEL MIB [PAGES_PER_SECOND [THREADS]]: dirties random pages of MIB MiB at a rate (0: as fast as it can). Every page holds its number and
 * how often it was written, at its start and at its end, so a torn or stale page shows.
 *   check        every page's halves agree, and the counts add up to the writes made; says "writes N"
 *   rate N       pages a second from now on */
#include <pthread.h>
#include <sys/mman.h>
#include "target.h"

struct page {
    uint64_t number, count;
    uint64_t filler[508];
    uint64_t count_again, number_again;
};
_Static_assert(sizeof(struct page) == 4096, "one page");

static struct page *pages;
static size_t page_count;
static int threads;
static volatile long rate;
static pthread_rwlock_t still = PTHREAD_RWLOCK_INITIALIZER;
static uint64_t writes[64];

static void *write_pages(void *argument)
{
    long me = (long)argument;
    size_t first = page_count * me / threads, count = page_count * (me + 1) / threads - first;
    uint64_t state = 1000 + me;
    long long due = now_ns();
    for (;;) {
        pthread_rwlock_rdlock(&still);
        for (int i = 0; i < 16; i++) {
            state = mix(state);
            struct page *page = pages + first + state % count;
            page->count++;
            page->filler[state >> 40 & 255] = state;
            page->count_again++;
            writes[me]++;
        }
        pthread_rwlock_unlock(&still);
        if (rate > 0) {
            due += 16ll * 1000000000 * threads / rate;
            long long wait = due - now_ns();
            if (wait < -1000000000) /* after a restore, or a change of rate, the past is the past */
                due = now_ns();
            if (wait > 1000000000)
                due = now_ns() + (wait = 1000000000);
            if (wait > 0) {
                struct timespec moment = {wait / 1000000000, wait % 1000000000};
                nanosleep(&moment, 0);
            }
        }
    }
    return 0;
}

static void check(void)
{
    pthread_rwlock_wrlock(&still);
    uint64_t seen = 0, made = 0;
    for (size_t i = 0; i < page_count; i++) {
        EXPECT(pages[i].number == i && pages[i].number_again == i, "page %zu has another's number", i);
        EXPECT(pages[i].count == pages[i].count_again, "page %zu is torn", i);
        seen += pages[i].count;
    }
    for (int i = 0; i < threads; i++)
        made += writes[i];
    EXPECT_EQUAL(made, seen, "writes found in the pages");
    say("writes %llu", (unsigned long long)made);
    pthread_rwlock_unlock(&still);
}

static int other(const char *command)
{
    if (strncmp(command, "rate ", 5))
        return 0;
    rate = atol(command + 5);
    say("rate %ld", rate);
    return 1;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(argc > 2);
    page_count = strtoul(argv[2], 0, 10) * 256;
    rate = argc > 3 ? atol(argv[3]) : 1000;
    threads = argc > 4 ? atoi(argv[4]) : 1;
    MUST(threads > 0 && threads <= 64);
    pthread_rwlockattr_t attributes; /* a check must get its turn between busy readers */
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&still, &attributes);
    pages = mmap(0, page_count * sizeof *pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    MUST(pages != MAP_FAILED);
    for (size_t i = 0; i < page_count; i++) {
        pages[i].number = pages[i].number_again = i;
        fill_pattern(pages[i].filler, sizeof pages[i].filler / 2, i); /* half compressible */
    }
    for (long i = 0; i < threads; i++) {
        pthread_t thread;
        MUST(pthread_create(&thread, 0, write_pages, (void *)i) == 0);
    }
    serve(check, other);
}
