/* secret_memory CHANNEL DIRECTORY: memory that its user wants in no snapshot, in the three forms in which it can be named: a range of addresses within a mapping,
 * private pages of a file (DIRECTORY/secrets), a memfd (keys). A check finds all of it, and what lies around it, as it was; after a restore of a snapshot without
 * it, "empty" finds it empty. "where" tells the range. */
#include <sys/mman.h>
#include "target.h"

#define PAGE 4096ul
enum { PAGES = 24, FIRST = 8, COUNT = 4 };
static unsigned char *memory, *of_file, *of_memfd;

/* Seeds of secrets: tests look for these bytes in the store. */
static const uint64_t range_seed = 1000001, file_seed = 2000001, memfd_seed = 3000001, open_seed = 77;

static void check_around(void)
{
    EXPECT_EQUAL(-1, find_difference(memory, FIRST * PAGE, open_seed), "before the range");
    EXPECT_EQUAL(-1, find_difference(memory + (FIRST + COUNT) * PAGE, (PAGES - FIRST - COUNT) * PAGE, open_seed + 1), "behind the range");
}

static void check(void)
{
    check_around();
    EXPECT_EQUAL(-1, find_difference(memory + FIRST * PAGE, COUNT * PAGE, range_seed), "the range");
    EXPECT_EQUAL(-1, find_difference(of_file, COUNT * PAGE, file_seed), "the file's private pages");
    EXPECT_EQUAL(-1, find_difference(of_memfd, COUNT * PAGE, memfd_seed), "the memfd");
}

static void check_empty(void)
{
    check_around();
    for (size_t i = 0; i < COUNT * PAGE; i++) {
        EXPECT(memory[FIRST * PAGE + i] == 0, "the range is not empty at %zu", i);
        EXPECT(of_file[i] == 'p', "the file's private pages are not the file's at %zu", i);
        EXPECT(of_memfd[i] == 0, "the memfd is not empty at %zu", i);
        if (target_failures)
            return;
    }
}

static int other(const char *command)
{
    if (!strcmp(command, "where"))
        say("where %lx-%lx", (unsigned long)(memory + FIRST * PAGE), (unsigned long)(memory + (FIRST + COUNT) * PAGE));
    else if (!strcmp(command, "empty"))
        run_check(check_empty);
    else
        return 0;
    return 1;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(argc > 2);
    memory = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(memory != MAP_FAILED);
    fill_pattern(memory, FIRST * PAGE, open_seed);
    fill_pattern(memory + FIRST * PAGE, COUNT * PAGE, range_seed);
    fill_pattern(memory + (FIRST + COUNT) * PAGE, (PAGES - FIRST - COUNT) * PAGE, open_seed + 1);
    char path[512];
    snprintf(path, sizeof path, "%s/secrets", argv[2]);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(file >= 0);
    char page[PAGE];
    memset(page, 'p', sizeof page);
    for (int i = 0; i < COUNT; i++)
        MUST(write(file, page, PAGE) == (ssize_t)PAGE);
    of_file = mmap(0, COUNT * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
    MUST(of_file != MAP_FAILED);
    close(file);
    fill_pattern(of_file, COUNT * PAGE, file_seed);
    int keys = memfd_create("keys", MFD_CLOEXEC);
    MUST(keys >= 0 && ftruncate(keys, COUNT * PAGE) == 0);
    of_memfd = mmap(0, COUNT * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, keys, 0);
    MUST(of_memfd != MAP_FAILED);
    fill_pattern(of_memfd, COUNT * PAGE, memfd_seed);
    serve(check, other);
}
