/* process_attributes CHANNEL DIRECTORY: what a process is besides its memory and descriptors: limits, umask, working directory, affinity, priority, policy,
 * oom score, core dump filter, timer slack, I/O priority, no_new_privs, dumpable, name, groups, membarrier registrations, THP switch, securebits. */
#include <grp.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include "target.h"

#define FACTS 128
struct facts {
    int count;
    struct {
        char name[40];
        long long value;
    } facts[FACTS];
};

static struct facts before, after;
static char directory_before[512], directory_after[512];

static void add(struct facts *facts, long long value, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void add(struct facts *facts, long long value, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(facts->facts[facts->count].name, 40, format, arguments);
    va_end(arguments);
    facts->facts[facts->count++].value = value;
}

static long long read_number(const char *path, int base)
{
    char text[64] = "";
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, text, sizeof text - 1) < 0)
        return -1;
    close(file);
    return strtoll(text, 0, base);
}

static int write_number(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    int done = file >= 0 && write(file, text, strlen(text)) > 0;
    close(file);
    return done;
}

static void collect(struct facts *facts)
{
    facts->count = 0;
    for (int i = 0; i < 16; i++) {
        struct rlimit limit;
        getrlimit(i, &limit);
        add(facts, limit.rlim_cur, "soft limit %d", i);
        add(facts, limit.rlim_max, "hard limit %d", i);
    }
    mode_t mask = umask(0);
    umask(mask);
    add(facts, mask, "umask");
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    sched_getaffinity(0, sizeof cpus, &cpus);
    for (int i = 0; i < 4; i++)
        add(facts, CPU_ISSET(i, &cpus), "may run on CPU %d", i);
    add(facts, getpriority(PRIO_PROCESS, 0), "nice");
    add(facts, sched_getscheduler(0), "policy");
    add(facts, read_number("/proc/self/oom_score_adj", 10), "oom_score_adj");
    add(facts, read_number("/proc/self/coredump_filter", 16), "coredump_filter");
    add(facts, prctl(PR_GET_TIMERSLACK), "timer slack");
    add(facts, syscall(SYS_ioprio_get, 1, 0), "I/O priority");
    add(facts, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), "no_new_privs");
    add(facts, prctl(PR_GET_DUMPABLE), "dumpable");
    add(facts, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), "THP disabled");
    add(facts, prctl(PR_GET_KEEPCAPS), "keepcaps");
    add(facts, prctl(PR_GET_SECUREBITS), "securebits");
    int subreaper = -1, deathsig = -1;
    prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
    prctl(PR_GET_PDEATHSIG, &deathsig);
    add(facts, subreaper, "subreaper");
    add(facts, deathsig, "parent death signal");
    gid_t groups[64];
    int count = getgroups(64, groups);
    add(facts, count, "number of groups");
    for (int i = 0; i < count; i++)
        add(facts, groups[i], "group %d", i);
    uid_t real, effective, saved;
    getresuid(&real, &effective, &saved);
    add(facts, real, "uid");
    add(facts, effective, "effective uid");
    add(facts, saved, "saved uid");
    getresgid(&real, &effective, &saved);
    add(facts, real, "gid");
    add(facts, effective, "effective gid");
    add(facts, saved, "saved gid");
    add(facts, getpid(), "pid");
    add(facts, getpgrp() == getpid(), "leads its group");
    add(facts, getsid(0) == getpid(), "leads its session");
    char name[16] = "";
    prctl(PR_GET_NAME, name);
    add(facts, strcmp(name, "attributed"), "name");
    add(facts, syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), "membarrier");
    add(facts, syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0), "membarrier, sync core");
    unsigned long personality = syscall(SYS_personality, 0xffffffff);
    add(facts, personality, "personality");
}

static void check(void)
{
    collect(&after);
    EXPECT_EQUAL(before.count, after.count, "number of facts");
    for (int i = 0; i < before.count && i < after.count; i++)
        EXPECT_EQUAL(before.facts[i].value, after.facts[i].value, before.facts[i].name);
    MUST(getcwd(directory_after, sizeof directory_after));
    EXPECT(!strcmp(directory_before, directory_after), "working directory: %s, was %s", directory_after, directory_before);
    char exe_link[16] = "";
    EXPECT(readlink("/proc/self/exe", exe_link, sizeof exe_link) > 0, "/proc/self/exe");
    int own = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    char text[512] = "";
    EXPECT(read(own, text, sizeof text - 1) > 0 && strstr(text, "process_attributes"), "command line: %s", text);
    close(own);
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(argc > 2 && chdir(argv[2]) == 0);
    struct rlimit limit;
    static const int lowered[] = {RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_STACK, RLIMIT_MEMLOCK, RLIMIT_FSIZE};
    for (size_t i = 0; i < sizeof lowered / sizeof *lowered; i++) {
        getrlimit(lowered[i], &limit);
        rlim_t top = limit.rlim_max == RLIM_INFINITY ? 1ul << 34 : limit.rlim_max;
        limit = (struct rlimit){top / 3 & ~4095ul ? top / 3 : 1, top / 2};
        setrlimit(lowered[i], &limit);
    }
    umask(0137);
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    MUST(sched_setaffinity(0, sizeof cpus, &cpus) == 0);
    MUST(setpriority(PRIO_PROCESS, 0, 7) == 0);
    struct sched_param nothing = {0};
    MUST(sched_setscheduler(0, SCHED_BATCH, &nothing) == 0);
    MUST(write_number("/proc/self/oom_score_adj", "321") && write_number("/proc/self/coredump_filter", "0x7f"));
    MUST(prctl(PR_SET_TIMERSLACK, 123456) == 0 && prctl(PR_SET_NAME, "attributed") == 0);
    MUST(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6) == 0);
    MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0 && prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    gid_t groups[] = {5, 77, 4242};
    setgroups(3, groups); /* not without privilege: then they stay as they were */
    MUST(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0);
    syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    MUST(getcwd(directory_before, sizeof directory_before));
    collect(&before);
    serve(check, 0);
}
