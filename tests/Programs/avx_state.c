/* avx_state CHANNEL: one thread whose vector, x87, MXCSR and general registers are live all the time, from one command to the next. */
#include <stddef.h>
#include "vector_state.h"

static void nothing_more(void)
{
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    ready();
    for (uint64_t seed = 1;; seed++) {
        target_failures = 0;
        hold_and_compare(seed, command_probe(), 20000);
        target_total_failures += target_failures;
        const char *command = next_command();
        if (!strcmp(command, "check"))
            say("%s %s", target_failures ? "bad" : "ok", target_name);
        else
            serve_command(command, nothing_more, 0);
    }
}
