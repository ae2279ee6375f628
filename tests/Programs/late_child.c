/* late_child CHANNEL: makes a child when it is told to ("fork"). The child has memory of its own and a socket, until told to close that ("close"). */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include "target.h"

#define CHILD_BYTES (1ul << 20)

static pid_t child;
static volatile int *state; /* shared with the child: 0 none, 1 has a socket, 2 has none */
static int channel = -1;

static void close_channel(int signal)
{
    (void)signal;
    close(channel);
    *state = 2;
}

static void live(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    unsigned char *memory = mmap(0, CHILD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fill_pattern(memory, CHILD_BYTES, 7);
    channel = socket(AF_INET, SOCK_DGRAM, 0);
    signal(SIGUSR1, close_channel);
    *state = 1;
    for (;;)
        pause();
}

static int other(const char *command)
{
    int wanted = 0;
    if (strcmp(command, "fork") == 0) {
        wanted = 1;
        if ((child = fork()) == 0)
            live();
    } else if (strcmp(command, "close") == 0) {
        wanted = 2;
        kill(child, SIGUSR1);
    } else {
        return 0;
    }
    while (*state != wanted)
        sleep_ms(1);
    say("%s", command);
    return 1;
}

static void check(void) {}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    state = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    serve(check, other);
    return 0;
}
