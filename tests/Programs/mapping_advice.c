/* mapping_advice CHANNEL [guard]: mappings with every flag and advice that smaps shows, names, PROT_NONE memory that holds data, a downward-growing
 * mapping. A check compares /proc/self/smaps with what it was: the same mappings, protections and flags. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include "target.h"

#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#define BYTES (16 * 4096ul)
#define MAX_LINES 400
struct view {
    int count;
    struct {
        unsigned long start, end;
        char protection[8], name[80], flags[160];
    } lines[MAX_LINES];
};

static struct view before, after;
static unsigned char *hidden, *guarded;

/* Without stdio and malloc: the heap must not change while it is looked at. */
static void look(struct view *view)
{
    static char text[1 << 20];
    int file = open("/proc/self/smaps", O_RDONLY | O_CLOEXEC);
    MUST(file >= 0);
    size_t length = 0;
    for (ssize_t got; (got = read(file, text + length, sizeof text - 1 - length)) > 0;)
        length += got;
    close(file);
    text[length] = 0;
    view->count = -1;
    for (char *line = strtok(text, "\n"); line; line = strtok(0, "\n")) {
        unsigned long start, end;
        char protection[8];
        int used = 0;
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %n", &start, &end, protection, &used) == 3 && used > 0) {
            if (view->count + 1 == MAX_LINES)
                break;
            view->count++;
            view->lines[view->count].start = start;
            view->lines[view->count].end = end;
            strcpy(view->lines[view->count].protection, protection);
            snprintf(view->lines[view->count].name, 80, "%s", line + used);
        } else if (!strncmp(line, "VmFlags:", 8) && view->count >= 0)
            snprintf(view->lines[view->count].flags, 160, "%s", line + 8);
    }
    view->count++;
}

/* "uw" is write tracking by userfaultfd, "sd" soft-dirty: ours, not the target's. "lo" etc. stay. */
static void drop_flag(char *flags, const char *flag)
{
    char *found = strstr(flags, flag);
    if (found)
        memmove(found, found + 3, strlen(found + 3) + 1);
}

/* The agent's mapping, by name or, where the kernel can't name anonymous memory, by its shape. */
static int is_ours(const char *name, unsigned long length, const char *protection, const char *flags)
{
    return !strcmp(name, "[anon:snap]") || (((length == 16384 && !strcmp(protection, "r-xp")) || (length == 114688 && !strcmp(protection, "rw-p")))
        && strstr(flags, " dc") && strstr(flags, " dd"));
}

static void check(void)
{
    look(&after);
    int b = 0;
    for (int a = 0; a < after.count; a++) {
        if (is_ours(after.lines[a].name, after.lines[a].end - after.lines[a].start, after.lines[a].protection, after.lines[a].flags))
            continue;
        drop_flag(after.lines[a].flags, "uw ");
        drop_flag(after.lines[a].flags, "sd ");
        if (b >= before.count) {
            EXPECT(0, "mapping %lx-%lx %s is new", after.lines[a].start, after.lines[a].end, after.lines[a].name);
            continue;
        }
        EXPECT(after.lines[a].start == before.lines[b].start && after.lines[a].end == before.lines[b].end, "mapping %lx-%lx %s was %lx-%lx %s",
               after.lines[a].start, after.lines[a].end, after.lines[a].name, before.lines[b].start, before.lines[b].end, before.lines[b].name);
        EXPECT(!strcmp(after.lines[a].protection, before.lines[b].protection), "%lx: protection %s, was %s", after.lines[a].start, after.lines[a].protection,
               before.lines[b].protection);
        EXPECT(!strcmp(after.lines[a].name, before.lines[b].name), "%lx: name %s, was %s", after.lines[a].start, after.lines[a].name, before.lines[b].name);
        EXPECT(!strcmp(after.lines[a].flags, before.lines[b].flags), "%lx %s: flags %s, were %s", after.lines[a].start, after.lines[a].name, after.lines[a].flags,
               before.lines[b].flags);
        b++;
    }
    EXPECT_EQUAL(before.count, b, "number of mappings");
    MUST(mprotect(hidden, BYTES, PROT_READ) == 0);
    EXPECT(find_difference(hidden, BYTES, 31) < 0, "data under PROT_NONE");
    MUST(mprotect(hidden, BYTES, PROT_NONE) == 0);
    if (guarded) {
        int pair[2];
        MUST(pipe(pair) == 0);
        EXPECT(write(pair[1], guarded + 4096, 1) == -1 && errno == EFAULT, "a guard page can be read");
        EXPECT(write(pair[1], guarded, 1) == 1, "the page before the guard can't be read");
        close(pair[0]);
        close(pair[1]);
    }
}

static unsigned char *map(int protection, int flags, const char *name)
{
    /* A hole on each side keeps neighbours apart, so that each stays a line of its own. */
    unsigned char *start = mmap(0, BYTES + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(start != MAP_FAILED);
    munmap(start, BYTES + 8192);
    start = mmap(start + 4096, BYTES, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | flags, -1, 0);
    MUST(start != MAP_FAILED);
    if (name)
        prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, start, BYTES, name); /* not in every kernel: then there is no name before and after */
    if (protection & PROT_WRITE)
        fill_pattern(start, BYTES, 31);
    return start;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    static const int advice[] = {MADV_DONTDUMP, MADV_DONTFORK, MADV_WIPEONFORK, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_MERGEABLE, MADV_SEQUENTIAL, MADV_RANDOM};
    for (size_t i = 0; i < sizeof advice / sizeof *advice; i++)
        madvise(map(PROT_READ | PROT_WRITE, 0, i % 2 ? "advised" : 0), BYTES, advice[i]);
    map(PROT_READ | PROT_WRITE, MAP_NORESERVE, "no reserve");
    map(PROT_READ | PROT_WRITE | PROT_EXEC, 0, "all three");
    map(PROT_READ | PROT_EXEC, 0, 0);
    map(PROT_READ | PROT_WRITE, MAP_GROWSDOWN, 0);
    mlock(map(PROT_READ | PROT_WRITE, 0, "locked"), BYTES);
    mlock2(map(PROT_READ | PROT_WRITE, 0, "locked on fault"), BYTES, MLOCK_ONFAULT);
    hidden = map(PROT_READ | PROT_WRITE, 0, "hidden");
    MUST(mprotect(hidden, BYTES, PROT_NONE) == 0);
    unsigned char *part = map(PROT_READ | PROT_WRITE, 0, "parts");
    MUST(mprotect(part + 4096, 4096, PROT_READ) == 0);
    if (argc > 2 && !strcmp(argv[2], "guard")) {
        guarded = map(PROT_READ | PROT_WRITE, 0, "guarded");
        if (madvise(guarded + 4096, 4096, MADV_GUARD_INSTALL) != 0)
            UNAVAILABLE("guard regions need Linux 6.13: %s", strerror(errno));
    }
    look(&before); /* once to have its own memory and stack in place */
    look(&after);
    look(&before);
    for (int i = 0; i < before.count; i++) {
        drop_flag(before.lines[i].flags, "uw ");
        drop_flag(before.lines[i].flags, "sd ");
    }
    serve(check, 0);
}
