/* file_mappings CHANNEL DIRECTORY: a file mapped privately (clean, written, read-only with private content, beyond the file's end), and one mapped shared
 * with a write of ours. Commands: "scribble" writes anew into both. */
#include <sys/mman.h>
#include "target.h"

#define PAGES 64ul
#define PAGE 4096ul
static int shared_file;
static unsigned char *private_view, *shared_view, *read_only;
static uint64_t shared_seed = 500, private_seed = 900;

static uint64_t seed_of_file(size_t page)
{
    return 100 + page;
}

static void check(void)
{
    for (size_t page = 0; page < PAGES; page++) {
        uint64_t wanted = page % 4 == 1 ? private_seed + page : seed_of_file(page);
        EXPECT(find_difference(private_view + page * PAGE, PAGE, wanted) < 0, "private page %zu", page);
    }
    EXPECT(private_view[PAGES * PAGE + 8] == 0, "the rest of the page with the file's end");
    EXPECT(find_difference(read_only, PAGE, 4242) < 0, "read-only page with private content");
    for (size_t page = 0; page < PAGES; page++)
        EXPECT(find_difference(shared_view + page * PAGE, PAGE, shared_seed + page) < 0, "shared page %zu", page);
    unsigned char words[PAGE];
    MUST(pread(shared_file, words, PAGE, 5 * PAGE) == (ssize_t)PAGE);
    EXPECT(find_difference(words, PAGE, shared_seed + 5) < 0, "the shared page through the file");
    shared_view[8]++;
    MUST(pread(shared_file, words, PAGE, 0) == (ssize_t)PAGE);
    EXPECT(words[8] == shared_view[8], "a write through the shared mapping does not show in the file");
    shared_view[8]--;
}

static int other(const char *command)
{
    if (strcmp(command, "scribble"))
        return 0;
    private_seed += 1000;
    shared_seed += 1000;
    for (size_t page = 0; page < PAGES; page++) {
        if (page % 4 == 1)
            fill_pattern(private_view + page * PAGE, PAGE, private_seed + page);
        fill_pattern(shared_view + page * PAGE, PAGE, shared_seed + page);
    }
    say("scribble");
    return 1;
}

static int make_file(const char *directory, const char *name, uint64_t seed, size_t extra)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(file >= 0);
    for (size_t page = 0; page < PAGES; page++) {
        unsigned char words[PAGE];
        fill_pattern(words, PAGE, seed + page);
        MUST(pwrite(file, words, PAGE, page * PAGE) == (ssize_t)PAGE);
    }
    MUST(ftruncate(file, PAGES * PAGE + extra) == 0);
    return file;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(argc > 2);
    int file = make_file(argv[2], "private", seed_of_file(0), 8);
    private_view = mmap(0, (PAGES + 2) * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0); /* one page beyond the end */
    MUST(private_view != MAP_FAILED);
    for (size_t page = 1; page < PAGES; page += 4)
        fill_pattern(private_view + page * PAGE, PAGE, private_seed + page);
    read_only = mmap(0, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 3 * PAGE);
    MUST(read_only != MAP_FAILED);
    fill_pattern(read_only, PAGE, 4242);
    MUST(mprotect(read_only, PAGE, PROT_READ) == 0);
    close(file); /* mapped only */
    shared_file = make_file(argv[2], "shared", shared_seed, 0);
    shared_view = mmap(0, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, shared_file, 0);
    MUST(shared_view != MAP_FAILED);
    serve(check, other);
}
