/* counter CHANNEL [STEP_MICROSECONDS [LOG]]: a hash chain, one link a step, in malloc'ed nodes that come and go, and in a log written through a
 * stdio buffer that is flushed every 16th step only, so that a snapshot finds unwritten text in it.
 *   check    recomputes the chain and looks at every node; says "at STEP HASH" first
 *   run N    goes on to step N, says "done N HASH", ends
 * The hash of step N is the same in every run: an undisturbed one tells what a restored one must reach. */
#include "target.h"

#define NODES 512
struct node {
    uint64_t step, hash, size;
    unsigned char filler[];
};

static struct node *ring[NODES];
static uint64_t step, hash = 1, last = UINT64_MAX;
static FILE *notes;

static void take_step(void)
{
    step++;
    hash = mix(hash ^ step);
    struct node *node = malloc(sizeof *node + hash % 6000);
    MUST(node);
    node->step = step;
    node->hash = hash;
    node->size = hash % 6000;
    memset(node->filler, (int)(hash & 0xff), node->size);
    free(ring[step % NODES]);
    ring[step % NODES] = node;
    if (notes) {
        fprintf(notes, "%llu %016llx\n", (unsigned long long)step, (unsigned long long)hash);
        if (step % 16 == 0)
            fflush(notes);
    }
}

static void check(void)
{
    say("at %llu %016llx", (unsigned long long)step, (unsigned long long)hash);
    uint64_t again = 1;
    for (uint64_t i = 1; i <= step; i++) {
        again = mix(again ^ i);
        if (i + NODES <= step)
            continue;
        struct node *node = ring[i % NODES];
        EXPECT(node && node->step == i && node->hash == again && node->size == again % 6000, "node of step %llu", (unsigned long long)i);
        for (uint64_t k = 0; node && k < node->size; k++)
            if (node->filler[k] != (again & 0xff)) {
                EXPECT(0, "byte %llu of the node of step %llu", (unsigned long long)k, (unsigned long long)i);
                break;
            }
    }
    EXPECT(again == hash, "the chain's hash");
}

static int other(const char *command)
{
    if (strncmp(command, "run ", 4))
        return 0;
    last = strtoull(command + 4, 0, 10);
    return 1;
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    long pause_us = argc > 2 ? atol(argv[2]) : 1000;
    if (argc > 3)
        MUST((notes = fopen(argv[3], "ae")) != 0);
    ready();
    while (step < last) {
        take_step();
        if (pause_us) {
            struct timespec moment = {pause_us / 1000000, pause_us % 1000000 * 1000};
            nanosleep(&moment, 0);
        }
        if ((pause_us || step % 256 == 0) && command_waits())
            serve_command(next_command(), check, other);
    }
    target_failures = 0;
    check();
    say("%s %llu %016llx", target_failures ? "bad" : "done", (unsigned long long)step, (unsigned long long)hash);
    return target_failures || target_total_failures ? 1 : 0;
}
