/* locks CHANNEL DIRECTORY [KIND]...: file locks of the process itself; flock, posix, ofd, lease. Whether they hold is asked from a child, which has none. */
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "target.h"

static int flocked = -1, posix = -1, described = -1, leased = -1, second_opening = -1;
static char paths[4][512];

/* Returns what probe answers in a child process. */
static int ask_child(int (*probe)(void))
{
    pid_t child = fork();
    MUST(child >= 0);
    if (child == 0)
        _exit(probe());
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        MUST(errno == EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int flock_is_free(void)
{
    int file = open(paths[0], O_RDWR);
    return file >= 0 && flock(file, LOCK_EX | LOCK_NB) == 0;
}

static struct flock range(short type, off_t start, off_t length)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
}

static int holder_of_write_lock(void)
{
    int file = open(paths[1], O_RDWR);
    struct flock asked = range(F_WRLCK, 10, 5);
    return file >= 0 && fcntl(file, F_GETLK, &asked) == 0 && asked.l_type == F_WRLCK && asked.l_pid == getppid() && asked.l_start == 10 && asked.l_len == 10;
}

static int holder_of_read_lock(void)
{
    int file = open(paths[1], O_RDWR);
    struct flock asked = range(F_WRLCK, 100, 5), shared = range(F_RDLCK, 100, 5), nobody = range(F_WRLCK, 50, 5);
    return file >= 0 && fcntl(file, F_GETLK, &asked) == 0 && asked.l_type == F_RDLCK && fcntl(file, F_GETLK, &shared) == 0 && shared.l_type == F_UNLCK &&
        fcntl(file, F_GETLK, &nobody) == 0 && nobody.l_type == F_UNLCK;
}

static int described_is_locked(void)
{
    int file = open(paths[2], O_RDWR);
    struct flock asked = range(F_WRLCK, 0, 0);
    return file >= 0 && fcntl(file, F_OFD_GETLK, &asked) == 0 && asked.l_type == F_WRLCK && asked.l_pid == -1;
}

static void check(void)
{
    if (flocked >= 0) {
        EXPECT_EQUAL(0, ask_child(flock_is_free), "flock is free for another");
        EXPECT(flock(second_opening, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK, "flock is free through another opening of ours");
    }
    if (posix >= 0) {
        EXPECT_EQUAL(1, ask_child(holder_of_write_lock), "POSIX write lock held by us on 10..19");
        EXPECT_EQUAL(1, ask_child(holder_of_read_lock), "POSIX read lock on 100.., and none between");
    }
    if (described >= 0)
        EXPECT_EQUAL(1, ask_child(described_is_locked), "OFD lock");
    if (leased >= 0)
        EXPECT_EQUAL(F_WRLCK, fcntl(leased, F_GETLEASE), "lease");
}

static int make(int number, const char *directory, const char *name)
{
    snprintf(paths[number], sizeof paths[number], "%s/%s", directory, name);
    int file = open(paths[number], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    MUST(file >= 0 && ftruncate(file, 1000) == 0);
    return file;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(argc > 2);
    for (int i = 3; i < argc || (argc == 3 && i < 6); i++) {
        const char *all[] = {"flock", "posix", "ofd"}, *kind = argc == 3 ? all[i - 3] : argv[i];
        if (!strcmp(kind, "flock")) {
            flocked = make(0, argv[2], "flock");
            MUST(flock(flocked, LOCK_EX) == 0 && (second_opening = open(paths[0], O_RDWR | O_CLOEXEC)) >= 0);
        } else if (!strcmp(kind, "posix")) {
            posix = make(1, argv[2], "posix");
            struct flock exclusive = range(F_WRLCK, 10, 10), shared = range(F_RDLCK, 100, 0);
            MUST(fcntl(posix, F_SETLK, &exclusive) == 0 && fcntl(posix, F_SETLK, &shared) == 0);
            /* As SQLite's shared memory is: whoever opens and closes the file on the way to this mapping drops the locks. */
            MUST(mmap(0, 1000, PROT_READ | PROT_WRITE, MAP_SHARED, posix, 0) != MAP_FAILED);
        } else if (!strcmp(kind, "ofd")) {
            described = make(2, argv[2], "ofd");
            struct flock exclusive = range(F_WRLCK, 0, 0);
            MUST(fcntl(described, F_OFD_SETLK, &exclusive) == 0);
        } else if (!strcmp(kind, "lease")) {
            leased = make(3, argv[2], "lease");
            MUST(fcntl(leased, F_SETLEASE, F_WRLCK) == 0);
        }
    }
    serve(check, 0);
}
