/* odd_descriptors CHANNEL DIRECTORY KIND: one descriptor of a kind that is hard or impossible to capture. It stays open, and has a number the target says
 * ("descriptor N"). Kinds: socket, socketpair, inotify, io_uring, userfaultfd, pidfd, perf, bpf, memfd_secret, fanotify, outside_pipe_write, deleted,
 * fifo, terminal, namespace, aio, tun. */
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "target.h"

static int descriptor = -1;

static void check(void)
{
    EXPECT(fcntl(descriptor, F_GETFD) >= 0, "descriptor %d is closed", descriptor);
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    MUST(argc > 3);
    const char *kind = argv[3];
    char path[512];
    snprintf(path, sizeof path, "%s/odd", argv[2]);
    int pair[2];
    if (!strcmp(kind, "socket")) {
        descriptor = socket(AF_INET, SOCK_STREAM, 0);
        MUST(descriptor >= 0 && listen(descriptor, 5) == 0);
    } else if (!strcmp(kind, "socketpair")) {
        MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        descriptor = pair[0];
    } else if (!strcmp(kind, "inotify")) {
        descriptor = inotify_init1(0);
        MUST(inotify_add_watch(descriptor, argv[2], IN_CREATE) >= 0);
    } else if (!strcmp(kind, "io_uring")) {
        char parameters[120] = {0};
        descriptor = (int)syscall(425, 8, parameters);
    } else if (!strcmp(kind, "userfaultfd"))
        descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1);
    else if (!strcmp(kind, "pidfd"))
        descriptor = (int)syscall(434, getpid(), 0);
    else if (!strcmp(kind, "perf")) {
        struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_TASK_CLOCK};
        descriptor = (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
    } else if (!strcmp(kind, "bpf")) {
        union bpf_attr attributes;
        memset(&attributes, 0, sizeof attributes);
        attributes.map_type = BPF_MAP_TYPE_ARRAY;
        attributes.key_size = attributes.value_size = 4;
        attributes.max_entries = 1;
        descriptor = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
    } else if (!strcmp(kind, "memfd_secret")) {
        descriptor = (int)syscall(447, 0);
        if (descriptor >= 0) {
            MUST(ftruncate(descriptor, 4096) == 0);
            char *secret = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
            if (secret != MAP_FAILED)
                *secret = 1;
        }
    } else if (!strcmp(kind, "fanotify"))
        descriptor = (int)syscall(SYS_fanotify_init, 0, O_RDONLY);
    else if (!strcmp(kind, "deleted")) {
        descriptor = open(path, O_RDWR | O_CREAT, 0600);
        MUST(descriptor >= 0 && write(descriptor, "gone", 4) == 4 && unlink(path) == 0);
    } else if (!strcmp(kind, "fifo")) {
        MUST(mkfifo(path, 0600) == 0);
        descriptor = open(path, O_RDWR);
    } else if (!strcmp(kind, "terminal"))
        descriptor = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    else if (!strcmp(kind, "namespace"))
        descriptor = open("/proc/self/ns/net", O_RDONLY);
    else if (!strcmp(kind, "tun"))
        descriptor = open("/dev/net/tun", O_RDWR);
    else if (!strcmp(kind, "aio")) { /* no descriptor: a context, and a mapping of it */
        unsigned long context = 0;
        if (syscall(SYS_io_setup, 8, &context) == 0)
            descriptor = open("/dev/null", O_RDONLY);
    } else
        MUST(!"kind");
    if (descriptor < 0)
        UNAVAILABLE("%s: %s", kind, strerror(errno));
    serve(check, 0);
}
