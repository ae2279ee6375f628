/* odd_state CHANNEL DIRECTORY KIND: a state that can't be captured. It is entered at the command "enter", so that a test can look before and after. Kinds: sysv, hugetlb, device, guard, pkey, files, directory, deadline, policy, dispatch, credentials, cwd, program,
 * library, chroot, namespace, stopped, uffd_mapping, handlers (of all signals that are ignored by default but SIGCONT, which can be captured), all_handlers. */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include "target.h"

static const char *kind, *directory;
static pthread_barrier_t gate;
static char own_path[512];

static void *in_thread(void *argument)
{
    if (!strcmp(kind, "files"))
        MUST(unshare(CLONE_FILES) == 0);
    else if (!strcmp(kind, "directory"))
        MUST(unshare(CLONE_FS) == 0);
    else if (!strcmp(kind, "credentials"))
        MUST(syscall(SYS_setresgid, -1, 4242, -1) == 0);
    pthread_barrier_wait(&gate);
    for (;;)
        pause();
    return argument;
}

static void start_thread(void)
{
    pthread_t thread;
    MUST(pthread_barrier_init(&gate, 0, 2) == 0 && pthread_create(&thread, 0, in_thread, 0) == 0);
    pthread_barrier_wait(&gate);
}

static const char *copy_of(const char *from, const char *name)
{
    static char path[512];
    char command[1200];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    snprintf(command, sizeof command, "cp %s %s", from, path);
    MUST(system(command) == 0);
    return path;
}

static volatile int received;

static void ignore(int number)
{
    received = number;
}

static const char *enter(void)
{
    if (!strcmp(kind, "sysv")) {
        int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
        if (id < 0)
            return strerror(errno);
        void *at = shmat(id, 0, 0);
        shmctl(id, IPC_RMID, 0);
        MUST(at != (void *)-1);
    } else if (!strcmp(kind, "hugetlb")) {
        if (mmap(0, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0) == MAP_FAILED)
            return strerror(errno);
    } else if (!strcmp(kind, "device")) {
        int file = open("/dev/mem", O_RDONLY | O_CLOEXEC);
        if (file < 0 || mmap(0, 4096, PROT_READ, MAP_SHARED, file, 0) == MAP_FAILED)
            return strerror(errno);
        close(file);
    } else if (!strcmp(kind, "guard")) {
        char *memory = mmap(0, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (madvise(memory + 4096, 4096, 102 /* MADV_GUARD_INSTALL */) != 0)
            return strerror(errno);
    } else if (!strcmp(kind, "pkey")) {
        char *memory = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        int key = pkey_alloc(0, 0);
        if (key < 0 || pkey_mprotect(memory, 4096, PROT_READ | PROT_WRITE, key) != 0)
            return strerror(errno);
    } else if (!strcmp(kind, "uffd_mapping")) {
        int file = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1);
        if (file < 0)
            return strerror(errno);
        struct uffdio_api api = {.api = UFFD_API};
        char *memory = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct uffdio_register range = {.range = {(unsigned long)memory, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
        MUST(ioctl(file, UFFDIO_API, &api) == 0 && ioctl(file, UFFDIO_REGISTER, &range) == 0);
    } else if (!strcmp(kind, "files") || !strcmp(kind, "directory") || !strcmp(kind, "credentials"))
        start_thread();
    else if (!strcmp(kind, "deadline")) {
        struct {
            uint32_t size, policy;
            uint64_t flags;
            int32_t nice;
            uint32_t priority;
            uint64_t runtime, deadline, period;
        } attributes = {48, 6, 0, 0, 0, 10000000, 100000000, 100000000};
        if (syscall(SYS_sched_setattr, 0, &attributes, 0) != 0)
            return strerror(errno);
    } else if (!strcmp(kind, "policy")) {
        unsigned long nodes = 1;
        if (syscall(SYS_set_mempolicy, 2 /* MPOL_BIND */, &nodes, 64) != 0)
            return strerror(errno);
    } else if (!strcmp(kind, "dispatch")) {
        static char selector; /* 0: let calls pass */
        if (prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, 0, 0, &selector) != 0)
            return strerror(errno);
    } else if (!strcmp(kind, "cwd")) {
        char path[512];
        snprintf(path, sizeof path, "%s/gone", directory);
        MUST(mkdir(path, 0700) == 0 && chdir(path) == 0 && rmdir(path) == 0);
    } else if (!strcmp(kind, "program")) {
        MUST(unlink(own_path) == 0);
    } else if (!strcmp(kind, "library")) {
        const char *path = copy_of("/bin/true", "library");
        int file = open(path, O_RDONLY | O_CLOEXEC);
        MUST(file >= 0 && mmap(0, 4096, PROT_READ, MAP_PRIVATE, file, 0) != MAP_FAILED);
        close(file);
        copy_of("/bin/false", "other");
        char other[512], mapped[512];
        snprintf(other, sizeof other, "%s/other", directory);
        snprintf(mapped, sizeof mapped, "%s/library", directory);
        MUST(rename(other, mapped) == 0); /* as an upgrade does it */
    } else if (!strcmp(kind, "chroot")) {
        if (chroot(directory) != 0)
            return strerror(errno);
        for (;;) /* the channel can't be reached any more */
            pause();
    } else if (!strcmp(kind, "namespace")) {
        if (unshare(CLONE_NEWUTS) != 0)
            return strerror(errno);
    } else if (!strcmp(kind, "handlers") || !strcmp(kind, "all_handlers")) {
        struct sigaction action = {.sa_handler = ignore};
        MUST(sigaction(SIGURG, &action, 0) == 0 && sigaction(SIGWINCH, &action, 0) == 0 && sigaction(SIGCHLD, &action, 0) == 0);
        MUST(strcmp(kind, "all_handlers") || sigaction(SIGCONT, &action, 0) == 0);
    } else if (!strcmp(kind, "stopped")) {
        say("entered");
        raise(SIGSTOP);
        return 0;
    } else
        return "no such kind";
    say("entered");
    return 0;
}

static void check(void)
{
    EXPECT_EQUAL(0, received, "a signal that nobody sent");
}

static int other(const char *command)
{
    if (strcmp(command, "enter"))
        return 0;
    const char *why = enter();
    if (why)
        say("unavailable %s: %s", kind, why);
    return 1;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(argc > 3);
    directory = argv[2];
    kind = argv[3];
    MUST(readlink("/proc/self/exe", own_path, sizeof own_path - 1) > 0);
    if (!strcmp(kind, "program") && argc == 4) { /* another copy, that may be deleted */
        char *again[] = {(char *)copy_of(own_path, "program"), argv[1], argv[2], argv[3], "again", 0};
        execv(again[0], again);
    }
    serve(check, other);
}
