/* shared_memory CHANNEL: memory objects that are known by more than one name: one shared anonymous object mapped twice, memfds with seals, mapped twice
 * with different protections, sparse, never mapped, and pages of a shared object that this process's tables don't show. Being one object is what counts:
 * each check writes through one name and reads through another. */
#include <sys/mman.h>
#include "target.h"

#define BYTES (64 * 4096ul)
#define SPARSE_BYTES (1ul << 30)
static unsigned char *anonymous, *anonymous_again;
static int doubled, sealed, sparse, unmapped, hugely_offset;
static unsigned char *writable_view, *executable_view, *sealed_view, *sparse_view, *hidden, *late_view;
static uint64_t generation;

static void check_same(unsigned char *one, unsigned char *other, size_t length, const char *what)
{
    EXPECT(!memcmp(one, other, length), "%s: the two views differ", what);
    for (size_t at = 0; at < length; at += 4096) {
        uint64_t wanted = mix(generation + at);
        memcpy(one + at, &wanted, 8);
        uint64_t seen;
        memcpy(&seen, other + at, 8);
        EXPECT(seen == wanted, "%s: a write through one view does not show in the other at %zu", what, at);
    }
    fill_pattern(one, length, 7);
}

static off_t size_of(int file)
{
    struct stat found;
    MUST(fstat(file, &found) == 0);
    return found.st_size;
}

static void check(void)
{
    generation++;
    EXPECT(find_difference(anonymous, BYTES, 7) < 0, "shared anonymous memory");
    check_same(anonymous, anonymous_again, BYTES, "shared anonymous memory");
    EXPECT(find_difference(executable_view, BYTES, 7) < 0, "memfd through its executable view");
    check_same(writable_view, executable_view, BYTES, "memfd mapped twice");
    uint64_t through_file = generation;
    MUST(pwrite(doubled, &through_file, 8, 4096) == 8);
    EXPECT(!memcmp(executable_view + 4096, &through_file, 8), "a write(2) into the memfd does not show in its mapping");
    fill_pattern(writable_view, BYTES, 7);

    EXPECT_EQUAL(BYTES, size_of(doubled), "memfd size");
    EXPECT_EQUAL(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL, fcntl(sealed, F_GET_SEALS), "seals");
    EXPECT(find_difference(sealed_view, BYTES, 8) < 0, "sealed memfd");
    EXPECT(pwrite(sealed, "x", 1, 0) == -1 && errno == EPERM, "the sealed memfd can be written to");
    EXPECT(ftruncate(doubled, BYTES) == 0, "the memfd without seals can't be truncated");

    EXPECT_EQUAL(SPARSE_BYTES, size_of(sparse), "sparse memfd size");
    struct stat found;
    fstat(sparse, &found);
    EXPECT(found.st_blocks * 512 < 64 << 20, "the sparse memfd takes %lld MiB", (long long)found.st_blocks * 512 >> 20);
    for (int i = 0; i < 16; i++)
        EXPECT(find_difference(sparse_view + (SPARSE_BYTES / 16) * i, 4096, i) < 0, "sparse memfd, page group %d", i);
    EXPECT(sparse_view[4096 * 3] == 0, "sparse memfd: a hole");

    unsigned char words[4096];
    MUST(pread(unmapped, words, sizeof words, 4096 * 5) == 4096);
    EXPECT(find_difference(words, sizeof words, 55) < 0, "memfd that is not mapped");
    EXPECT_EQUAL(4096 * 5, lseek(unmapped, 0, SEEK_CUR), "memfd position");
    EXPECT(fcntl(unmapped, F_GETFD) == 0, "memfd descriptor flags");

    EXPECT(find_difference(late_view, 4096, 99) < 0, "memfd mapped at an offset");
    EXPECT(find_difference(hidden, BYTES, 66) < 0, "shared pages that were not in our tables");
    madvise(hidden, BYTES, MADV_DONTNEED); /* out of the tables again, still in the object */
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    anonymous = mmap(0, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(anonymous != MAP_FAILED);
    anonymous_again = mremap(anonymous, 0, BYTES, MREMAP_MAYMOVE); /* length 0: a second view of the same object */
    MUST(anonymous_again != MAP_FAILED);
    fill_pattern(anonymous, BYTES, 7);

    doubled = memfd_create("doubled", MFD_ALLOW_SEALING);
    MUST(doubled >= 0 && ftruncate(doubled, BYTES) == 0);
    writable_view = mmap(0, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, doubled, 0);
    executable_view = mmap(0, BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, doubled, 0);
    MUST(writable_view != MAP_FAILED && executable_view != MAP_FAILED);
    fill_pattern(writable_view, BYTES, 7);

    sealed = memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC);
    MUST(sealed >= 0 && ftruncate(sealed, BYTES) == 0);
    void *first = mmap(0, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, sealed, 0);
    MUST(first != MAP_FAILED);
    fill_pattern(first, BYTES, 8);
    munmap(first, BYTES);
    MUST(fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) == 0);
    sealed_view = mmap(0, BYTES, PROT_READ, MAP_SHARED, sealed, 0);
    MUST(sealed_view != MAP_FAILED);

    sparse = memfd_create("sparse", MFD_CLOEXEC);
    MUST(sparse >= 0 && ftruncate(sparse, SPARSE_BYTES) == 0);
    sparse_view = mmap(0, SPARSE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, sparse, 0);
    MUST(sparse_view != MAP_FAILED);
    for (int i = 0; i < 16; i++)
        fill_pattern(sparse_view + (SPARSE_BYTES / 16) * i, 4096, i);

    unmapped = memfd_create("unmapped", 0);
    unsigned char words[4096];
    fill_pattern(words, sizeof words, 55);
    MUST(unmapped >= 0 && pwrite(unmapped, words, sizeof words, 4096 * 5) == 4096 && lseek(unmapped, 4096 * 5, SEEK_SET) > 0);

    hugely_offset = memfd_create("offset", MFD_CLOEXEC);
    MUST(hugely_offset >= 0 && ftruncate(hugely_offset, 100 * 4096) == 0);
    late_view = mmap(0, 4 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, hugely_offset, 90 * 4096);
    MUST(late_view != MAP_FAILED);
    fill_pattern(late_view, 4096, 99);
    close(hugely_offset); /* known by its mapping only */

    hidden = mmap(0, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(hidden != MAP_FAILED);
    fill_pattern(hidden, BYTES, 66);
    madvise(hidden, BYTES, MADV_DONTNEED);
    serve(check, 0);
}
