/* dead_leader CHANNEL: the thread-group leader has ended, the process lives on in another thread. */
#include <pthread.h>
#include "target.h"

static void check(void)
{
    EXPECT(gettid() != getpid(), "the leader is back");
}

static void *live_on(void *argument)
{
    char state = 0;
    while (state != 'Z') { /* the leader is a zombie for as long as we live */
        char path[64], text[256] = "";
        snprintf(path, sizeof path, "/proc/%d/task/%d/stat", getpid(), getpid());
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (read(file, text, sizeof text - 1) > 0)
            state = strrchr(text, ')')[2];
        close(file);
    }
    serve(check, 0);
    return argument;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    pthread_t thread;
    MUST(pthread_create(&thread, 0, live_on, 0) == 0);
    pthread_exit(0);
}
