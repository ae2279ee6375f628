/* brk_stack CHANNEL: memory below brk(2)'s end and deep stack frames that a check reads again, and then grows past what the snapshot had. */
#include <sys/resource.h>
#include "target.h"

static unsigned char *brk_start;
static size_t brk_bytes;
static int generations;

static void grow_brk(void)
{
    void *start = sbrk(1 << 20);
    MUST(start != (void *)-1);
    if (brk_start)
        EXPECT((unsigned char *)start == brk_start + brk_bytes, "sbrk went on at %p, expected %p", start, brk_start + brk_bytes);
    else
        brk_start = start;
    fill_pattern(brk_start + brk_bytes, 1 << 20, brk_bytes);
    brk_bytes += 1 << 20;
}

static uint64_t deep(int frames)
{
    volatile uint64_t words[512];
    fill_pattern((void *)words, sizeof words, frames);
    uint64_t below = frames ? deep(frames - 1) : 0;
    EXPECT(find_difference((void *)words, sizeof words, frames) < 0, "stack frame %d", frames);
    return below + words[frames % 512];
}

static void check(void)
{
    for (size_t at = 0; at < brk_bytes; at += 1 << 20) {
        long difference = find_difference(brk_start + at, 1 << 20, at);
        EXPECT(difference < 0, "brk memory at %zu + %ld", at, difference);
    }
    generations++;
    grow_brk();
    deep(50 * (generations + 1));
    if (generations % 3 == 0) { /* shrinking has to work as well */
        MUST(brk(brk_start + brk_bytes - (1 << 20)) == 0);
        brk_bytes -= 1 << 20;
    }
}

/* Serves from deep inside the stack, so that live frames span many pages. */
static void serve_deep(int frames)
{
    volatile uint64_t words[512];
    fill_pattern((void *)words, sizeof words, 7000 + frames);
    if (frames)
        serve_deep(frames - 1);
    else {
        ready();
        for (;;) {
            const char *command = next_command();
            if (!strcmp(command, "return"))
                break;
            serve_command(command, check, 0);
        }
    }
    EXPECT(find_difference((void *)words, sizeof words, 7000 + frames) < 0, "live stack frame %d", frames);
}

int main(int argc, char **argv)
{
    target_begin(argc, argv);
    brk_start = 0;
    grow_brk();
    grow_brk();
    target_failures = 0;
    serve_deep(100);
    say("%s returned", target_failures ? "bad" : "ok");
    return target_failures || target_total_failures ? 1 : 0;
}
